// rich_text blocks, and the cells of tables.

import { h } from './dom.js';
import { anchor, channelMention, groupMention, userMention } from './mrkdwn.js';
import { emoji } from './emoji.js';
import { capital, slackDate } from './dates.js';

const tags = { bold: 'strong', italic: 'em', strike: 's', underline: 'u', code: 'code' };

function styled(leaf, ...children) {
  let node = children;
  for (const [name, tag] of Object.entries(tags)) if (leaf.style && leaf.style[name]) node = [h(tag, null, node)];
  return node;
}

const leaves = {
  text: (l) => l.text,
  link: (l) => anchor(l.url || '', l.text || l.url || ''),
  user: (l) => userMention(l.user_id),
  usergroup: (l) => groupMention(l.usergroup_id),
  channel: (l) => channelMention(l.channel_id),
  broadcast: (l) => h('span', { class: 'mention' }, `@${l.range}`),
  emoji: (l) => emoji(l.name || '') || `:${l.name}:`,
  color: (l) => l.value,
  date: (l) => h('time', null, capital(slackDate(l.timestamp, l.format || '') || '') || l.fallback || ''),
};

const leaf = (l) => styled(l, leaves[l.type] ? leaves[l.type](l) : l.text || `[${l.type}]`);
const inline = (parts) => (parts || []).map(leaf);

function list(part) {
  const tag = part.style === 'ordered' ? 'ol' : 'ul';
  return h(tag, { class: 'rich-list', start: part.offset ? part.offset + 1 : null, style: { '--indent': String(part.indent || 0) } },
    (part.elements || []).map((item) => h('li', null, inline(item.elements))));
}

// richText draws the parts of a rich_text block.
export function richText(block) {
  return h('div', { class: 'rich' }, (block.elements || []).map((part) => {
    switch (part.type) {
      case 'rich_text_section': return h('div', null, inline(part.elements));
      case 'rich_text_list': return list(part);
      case 'rich_text_quote': return h('blockquote', null, inline(part.elements));
      case 'rich_text_preformatted': return h('pre', null, inline(part.elements));
      default: return h('div', null, `[${part.type}]`);
    }
  }));
}

function cell(c) {
  if (!c) return '';
  if (c.type === 'rich_text') return richText(c);
  return c.text ?? (c.value === undefined ? '' : String(c.value));
}

// table draws a table or data_table block; the first row is its head.
export function table(block) {
  const [head = [], ...rows] = block.rows || [];
  const align = (n) => (block.column_settings || [])[n]?.align || 'left';
  const row = (tag) => (cells) => h('tr', null, cells.map((c, n) => h(tag, { class: `align-${align(n)}` }, cell(c))));
  return h('div', { class: 'table-wrap' }, h('table', { class: 'block-table' },
    block.caption && h('caption', null, typeof block.caption === 'string' ? block.caption : block.caption.text),
    h('thead', null, row('th')(head)), h('tbody', null, rows.map(row('td')))));
}
