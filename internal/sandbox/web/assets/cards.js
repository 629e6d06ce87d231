// The "Cards" area: everything the bot can show, side by side, drawn by the
// same renderer as the chat. Nothing here is sent anywhere.

import { h } from './dom.js';
import { gallery } from './hooks.js';
import { blocks } from './blocks.js';
import { mrkdwn, textObject } from './mrkdwn.js';
import { avatar } from './message.js';
import { people } from './people.js';
import { stillSurface } from './surface.js';
import { errorSlot, slotError } from './panel.js';

const kinds = { message: 'Message', modal: 'Modal', home: 'Home tab' };

export function mount(area) {
  const error = errorSlot();
  const index = h('nav', { class: 'cards-index', 'aria-label': 'Cards' });
  const list = h('div', { class: 'cards-list' });
  const find = h('input', { class: 'field', type: 'search', placeholder: 'Find a card', 'aria-label': 'Find a card', dataset: { testid: 'card-find' }, on: { input: filter } });
  area.append(h('header', { class: 'room-head' }, h('h1', null, 'Cards'), h('span', { class: 'topic' }, 'all that people can see, drawn from sample values'), h('span', { class: 'head-tool' }, find)),
    error, h('div', { class: 'cards' }, index, list));
  load();

  async function load() {
    try {
      const cards = await gallery();
      if (!cards.length) list.append(h('p', { class: 'empty' }, 'This sandbox was started without a gallery.'));
      cards.forEach((card, n) => {
        const node = drawCard(card, n);
        list.append(node);
        index.append(h('a', { href: `#card-${n}`, dataset: { n: String(n) }, on: { click: (e) => { e.preventDefault(); node.scrollIntoView({ block: 'start' }); } } }, card.name));
      });
    } catch (err) {
      slotError(error, err);
    }
  }

  function filter() {
    const want = find.value.toLowerCase();
    [...list.querySelectorAll('.sample')].forEach((node, n) => {
      const hit = `${node.dataset.name} ${node.dataset.kind}`.toLowerCase().includes(want);
      node.hidden = !hit;
      index.children[n].hidden = !hit;
    });
  }

  return () => {};
}

function drawCard(card, n) {
  const surface = stillSurface(`card-${n}`);
  const view = card.view || {};
  return h('article', { class: 'sample', id: `card-${n}`, dataset: { testid: 'card', name: card.name, kind: card.kind } },
    h('header', null, h('h2', null, card.name), h('span', { class: 'badge' }, kinds[card.kind] || card.kind), card.note && h('p', null, card.note)),
    card.kind === 'modal' ? modal(view, surface) : card.kind === 'home' ? h('div', { class: 'frame home-body' }, filled(view.blocks, surface)) : message(card, surface));
}

function filled(list, surface) {
  const box = h('div', { class: 'blocks' });
  blocks(box, list, surface);
  return box;
}

function message(card, surface) {
  return h('div', { class: 'frame message' }, avatar(people.bot.id), h('div', { class: 'body' },
    h('div', { class: 'head' }, h('b', null, people.bot.name), h('span', { class: 'badge' }, 'app')),
    card.blocks?.length ? filled(card.blocks, surface) : h('div', { class: 'text' }, mrkdwn(card.text || ''))));
}

function modal(view, surface) {
  const body = h('div', { class: 'modal-body' });
  blocks(body, view.blocks, surface);
  return h('div', { class: 'modal still' }, h('header', null, h('h2', null, textObject(view.title))), body, h('footer', null,
    h('button', { type: 'button', class: 'button' }, textObject(view.close || 'Cancel')),
    view.submit && h('button', { type: 'button', class: 'button primary' }, textObject(view.submit))));
}
