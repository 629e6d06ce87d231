// One message: who, when, blocks, thread, and its menu.

import { app } from './app.js';
import { h, icon, fill, copy } from './dom.js';
import { blocks } from './blocks.js';
import { mrkdwn, textObject } from './mrkdwn.js';
import { emoji } from './emoji.js';
import { clockTime, fullTime, tsDate } from './dates.js';
import { menu } from './popup.js';
import { people } from './people.js';
import { messageSurface } from './surface.js';
import { slack } from './hooks.js';

export function avatar(id, size = '') {
  const bot = people.isBot(id);
  const name = people.name(id) || '?';
  const who = people.find(id);
  return h('span', { class: `avatar ${size}`, dataset: { who: bot ? 'bot' : who ? who.name : 'other' }, 'aria-hidden': 'true' },
    bot ? icon('bot') : name.slice(0, 1).toUpperCase());
}

// drawMessage builds a message's node; updateMessage brings it in line.
export function drawMessage(item) {
  const { message, channel } = item;
  const body = h('div', { class: 'body' });
  const node = h('article', {
    class: 'message', dataset: { testid: 'message', ts: message.ts, user: message.user }, tabindex: '-1',
    'aria-label': `Message from ${people.name(message.user)}`,
  }, avatar(message.user || message.bot_id), body);
  const parts = {
    head: h('div', { class: 'head' }), private: h('div', { class: 'private' }, icon('eyes'), 'Only visible to you'),
    text: h('div', { class: 'text' }), blocks: h('div', { class: 'blocks' }), reactions: h('div', { class: 'reactions' }), foot: h('div', { class: 'foot' }), tools: h('div', { class: 'tools' }),
  };
  body.append(parts.private, parts.head, parts.text, parts.blocks, parts.reactions, parts.foot, parts.tools);
  node.parts = parts;
  node.live = { ...message };
  node.surface = messageSurface(channel, node.live);
  parts.tools.append(...tools(node, channel, item));
  updateMessage(node, item);
  return node;
}

export function updateMessage(node, item) {
  const { message } = item;
  const { parts } = node;
  Object.assign(node.live, message);
  node.classList.toggle('ephemeral', Boolean(message.ephemeral_to));
  node.dataset.ephemeral = message.ephemeral_to ? 'true' : 'false';
  parts.private.hidden = !message.ephemeral_to;
  fill(parts.head, h('b', null, message.username || named(message)),
    people.isBot(message.user || message.bot_id) && h('span', { class: 'badge' }, 'app'),
    h('time', { title: fullTime(message.ts), datetime: tsDate(message.ts).toISOString() }, clockTime(message.ts)),
    message.edited && h('span', { class: 'edited', dataset: { testid: 'edited' } }, '(edited)'));
  drawBody(node, message);
  if (parts.foot.drawn !== `${item.count}:${item.last}`) fill(parts.foot, replies(item));
  parts.foot.drawn = `${item.count}:${item.last}`;
  parts.foot.hidden = !parts.foot.firstChild;
}

// named prefers the directory's name; a stranger has the one in the message.
function named(message) {
  const id = message.user || message.bot_id;
  return people.find(id) || people.isBot(id) ? people.name(id) : message.user_name || id;
}

function drawBody(node, message) {
  const { parts } = node;
  const hasBlocks = Array.isArray(message.blocks) && message.blocks.length > 0;
  parts.text.hidden = hasBlocks || !message.text;
  if (!parts.text.hidden && parts.text.drawn !== message.text) {
    fill(parts.text, mrkdwn(message.text));
    parts.text.drawn = message.text;
  }
  blocks(parts.blocks, hasBlocks ? message.blocks : [], node.surface);
  for (const old of node.querySelectorAll(':scope > .body > .attachment')) old.remove();
  for (const a of message.attachments || []) {
    const bar = h('div', { class: 'attachment', style: /^#[0-9a-f]{3,8}$/i.test(a.color || '') ? { '--bar': a.color } : {} });
    if (a.blocks) blocks(bar, a.blocks, node.surface);
    else bar.append(h('div', { class: 'text' }, a.title && h('b', null, textObject(a.title)), mrkdwn(a.text || a.fallback || '')));
    parts.blocks.after(bar);
  }
  fill(parts.reactions, (message.reactions || []).map((r) => h('span', { class: 'reaction' }, emoji(r.name) || `:${r.name}:`, ` ${r.count ?? r.users?.length ?? ''}`)));
}

// replies is the line under a root that opens its thread.
function replies({ message, count, last, inThread }) {
  if (inThread || !count) return null;
  return h('button', {
    type: 'button', class: 'replies', dataset: { testid: 'open-thread', ts: message.ts }, on: { click: () => app.go({ thread: message.ts }) },
  }, icon('thread'), h('b', null, `${count} ${count === 1 ? 'reply' : 'replies'}`), h('span', null, `last at ${clockTime(last)}`));
}

function tools(node, channel, { inThread }) {
  const message = node.live;
  const root = message.thread_ts || message.ts;
  return [
    !inThread && !message.ephemeral_to && h('button', {
      type: 'button', class: 'menu-button', title: 'Reply in thread', 'aria-label': 'Reply in thread',
      dataset: { testid: 'reply-in-thread', ts: root }, on: { click: () => app.go({ thread: root }) },
    }, icon('thread')),
    menu({
      label: 'More actions', dataset: { testid: 'message-menu' },
      items: () => [
        ...(message.ephemeral_to ? [] : people.shortcuts.map((id) => ({
          label: people.shortcutNames[id] || id, description: people.bot.name, testid: `shortcut-${id}`, run: () => runShortcut(node, channel, id),
        }))),
        { label: 'Copy text', testid: 'copy-text', run: () => copy(message.text || '') },
        { label: 'Copy ts', description: message.ts, testid: 'copy-ts', run: () => copy(message.ts) },
      ],
    }),
  ].filter(Boolean);
}

async function runShortcut(node, channel, shortcut) {
  const note = (text) => {
    node.parts.tools.querySelector('.missed')?.remove();
    if (text) node.parts.tools.append(h('span', { class: 'missed', role: 'alert', dataset: { testid: 'missed' } }, icon('warning'), h('span', null, text)));
  };
  note('');
  node.classList.add('busy');
  try {
    const answer = await slack.action({ user: app.me, channel, ts: node.live.ts, shortcut });
    if (answer && answer.acked === false) note(`The bot did not acknowledge this in time${answer.error ? ` (${answer.error})` : ''}.`);
  } catch (err) {
    note(err.message);
  }
  node.classList.remove('busy');
  app.refresh();
}
