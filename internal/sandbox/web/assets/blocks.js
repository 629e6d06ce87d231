// Blocks → DOM. A block keeps its node for as long as its JSON stays the same.

import { h, icon, keep, stable } from './dom.js';
import { element, picture, quoted, unknown } from './elements.js';
import { richText, table } from './richtext.js';
import { mrkdwn, textObject } from './mrkdwn.js';

// blocks brings box in line with a list of blocks.
export function blocks(box, list, ctx) {
  let n = 0;
  keep(box, (list || []).map((block) => ({ block, at: n++ })), {
    key: ({ block, at }) => block.block_id || `#${at}`,
    sig: ({ block, at }) => (block.block_id ? stable(block) : `${at}${stable(block)}`),
    draw: ({ block }) => one(block, ctx),
  });
  return box;
}

function one(block, ctx) {
  const draw = drawers[block && block.type];
  const node = draw ? draw(block, ctx) : unknown(block);
  node.classList.add('block');
  node.dataset.blockId = block.block_id || '';
  node.dataset.testid = node.dataset.testid || 'block';
  node.dataset.type = block.type;
  return node;
}

const drawers = {
  section, header, context, actions, input, image, alert,
  divider: () => h('hr', null),
  rich_text: (b) => richText(b),
  markdown: (b) => h('div', { class: 'text' }, mrkdwn(b.text)),
  table: (b) => table(b),
  data_table: (b) => table(b),
  context_actions: (b, ctx) => actions(b, ctx),
};

function section(block, ctx) {
  return h('div', { class: 'section' },
    h('div', { class: 'section-main' },
      block.text && h('div', { class: 'text' }, textObject(block.text)),
      block.fields && h('div', { class: 'fields' }, block.fields.map((f) => h('div', { class: 'text' }, textObject(f))))),
    block.accessory && h('div', { class: 'accessory' }, element(block.accessory, block, ctx)));
}

function header(block) {
  return h('div', { class: 'block-header', role: 'heading', 'aria-level': String((block.level || 1) + 2) }, textObject(block.text));
}

function context(block) {
  return h('div', { class: 'context' }, (block.elements || []).map((el) => el.type === 'image'
    ? picture(el, 'icon-image') : h('span', { class: 'text' }, textObject(el))));
}

function actions(block, ctx) {
  return h('div', { class: 'actions' }, (block.elements || []).map((el) => element(el, block, ctx)));
}

function image(block) {
  return h('figure', null, block.title && h('figcaption', null, textObject(block.title)), picture(block, 'wide'));
}

function alert(block) {
  const level = ['info', 'warning', 'error', 'success'].includes(block.level) ? block.level : 'default';
  return h('div', { class: `alert ${level}`, role: 'note' }, icon(level === 'error' || level === 'warning' ? 'warning' : 'information_source'), h('span', null, textObject(block.text)));
}

// input draws label, element, hint and the place of the block's error.
function input(block, ctx) {
  const el = block.element || {};
  const box = h('div', { class: 'input', role: 'group' },
    h('div', { class: 'label' }, textObject(block.label), block.optional && h('span', { class: 'optional' }, ' (optional)')),
    element(el, block, ctx),
    h('div', { class: 'error', role: 'alert', dataset: { testid: 'block-error', blockId: block.block_id || '' } }),
    block.hint && h('div', { class: 'hint' }, quoted(block.hint)));
  showError(box, ctx.errorOf?.(block) || '');
  return box;
}

// showError puts an error (or none) on an input block's node.
export function showError(node, text) {
  const slot = node.querySelector(':scope > .error');
  if (!slot) return false;
  slot.textContent = text;
  node.classList.toggle('invalid', Boolean(text));
  for (const c of node.querySelectorAll('input,textarea')) c.toggleAttribute('aria-invalid', Boolean(text));
  return true;
}
