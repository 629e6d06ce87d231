// Things that open over the page for a moment: menus, confirm dialogs, and the
// place where a list hangs under its control.

import { h, icon } from './dom.js';
import { textObject, words } from './mrkdwn.js';

// place hangs list (position: fixed) under anchor, or over it when there is
// more room above.
export function place(list, anchor, { width, alignRight } = {}) {
  const box = anchor.getBoundingClientRect();
  const below = window.innerHeight - box.bottom - 12;
  const above = box.top - 12;
  const up = below < 180 && above > below;
  list.style.maxHeight = `${Math.max(90, Math.min(320, up ? above : below))}px`;
  list.style.minWidth = width === false ? '' : `${box.width}px`;
  if (alignRight) {
    list.style.left = 'auto';
    list.style.right = `${Math.max(8, window.innerWidth - box.right)}px`;
  } else list.style.left = `${Math.min(box.left, window.innerWidth - 240)}px`;
  list.style.top = up ? 'auto' : `${box.bottom + 4}px`;
  list.style.bottom = up ? `${window.innerHeight - box.top + 4}px` : 'auto';
}

// menu is a button that opens a list of actions. items() answers
// [{label, value, description, danger, testid, run}].
export function menu({ label, glyph = 'dots', className = '', dataset = {}, items }) {
  let list = null;
  const button = h('button', {
    type: 'button', class: `menu-button ${className}`, 'aria-label': label, title: label,
    'aria-haspopup': 'menu', 'aria-expanded': 'false', dataset,
    on: {
      click: (e) => { e.stopPropagation(); list ? close() : open(); },
      keydown: (e) => { if (e.key === 'ArrowDown' && !list) { e.preventDefault(); open(); } },
    },
  }, icon(glyph));
  const root = h('span', { class: 'menu' }, button);

  function open() {
    list = h('div', { class: 'popup menu-list', role: 'menu', on: { keydown: keys } }, items().map((item) => h('button', {
      type: 'button', role: 'menuitem', class: item.danger ? 'menu-item danger' : 'menu-item',
      dataset: { testid: item.testid || 'menu-item', value: item.value },
      on: { click: (e) => { e.stopPropagation(); close(); button.focus(); item.run(); } },
    }, h('span', null, item.label), item.description && h('small', null, item.description))));
    root.append(list);
    button.setAttribute('aria-expanded', 'true');
    place(list, button, { width: false, alignRight: true });
    list.querySelector('button')?.focus();
    setTimeout(() => document.addEventListener('click', close), 0);
  }

  function close() {
    document.removeEventListener('click', close);
    button.setAttribute('aria-expanded', 'false');
    if (list) list.remove();
    list = null;
  }

  function keys(e) {
    const rows = [...list.querySelectorAll('button')];
    const at = rows.indexOf(document.activeElement);
    if (e.key === 'ArrowDown') rows[(at + 1) % rows.length].focus();
    else if (e.key === 'ArrowUp') rows[(at - 1 + rows.length) % rows.length].focus();
    else if (e.key === 'Escape') { close(); button.focus(); } else if (e.key === 'Tab') { close(); return; } else return;
    e.preventDefault();
    e.stopPropagation();
  }
  return root;
}

// confirmed asks with a confirm object of Block Kit; true when the person
// agrees, and at once when there is none to ask.
export function confirmed(confirm) {
  if (!confirm) return Promise.resolve(true);
  return new Promise((resolve) => {
    const answer = (yes) => { dialog.close(); dialog.remove(); resolve(yes); };
    const dialog = h('dialog', {
      class: 'confirm', 'aria-label': words(confirm.title) || 'Are you sure?', dataset: { testid: 'confirm' },
      on: { cancel: (e) => { e.preventDefault(); answer(false); }, keydown: (e) => e.stopPropagation() },
    },
    h('h2', null, textObject(confirm.title)),
    h('div', { class: 'confirm-text' }, textObject(confirm.text)),
    h('div', { class: 'confirm-buttons' },
      h('button', { type: 'button', class: 'button', dataset: { testid: 'confirm-deny' }, on: { click: () => answer(false) } }, textObject(confirm.deny || 'Cancel')),
      h('button', {
        type: 'button', class: `button ${confirm.style === 'danger' ? 'danger' : 'primary'}`,
        dataset: { testid: 'confirm-ok' }, on: { click: () => answer(true) },
      }, textObject(confirm.confirm || 'OK'))));
    document.body.append(dialog);
    dialog.showModal();
    dialog.querySelector('[data-testid=confirm-deny]').focus();
  });
}
