// What the panels beside the chat share: loading while they are looked at,
// tabs, tables, and a button that says how its hook went.

import { app } from './app.js';
import { h, icon, fill, keep, stable } from './dom.js';

const look = 2000; // ms: the clouds' time passes without an event

// watch answers a redraw function that calls load whenever something changed
// while area is shown, or at once when told so, and every two seconds.
export function watch(area, load) {
  let seen = -1;
  let running = false;
  const run = async () => {
    if (running || app.area !== area) return;
    running = true;
    seen = app.version;
    try { await load(); } finally { running = false; }
    if (seen !== app.version) run();
  };
  setInterval(() => { if (!document.hidden) run(); }, look);
  return (now) => { if (now || seen !== app.version) run(); };
}

// slotError shows why a part could not be loaded, or nothing.
export function slotError(box, err) {
  box.hidden = !err;
  fill(box, err && [icon('warning'), h('span', null, err.message)]);
}

export const errorSlot = () => h('div', { class: 'panel-error', role: 'alert', hidden: true });

// tabs builds a tab list over panes [{id, label, node}] and answers {root, show}.
export function tabs(prefix, panes, changed) {
  const bar = h('div', { class: 'tabs', role: 'tablist' });
  let current = panes[0].id;
  const show = (id) => {
    current = id;
    for (const p of panes) p.node.hidden = p.id !== id;
    for (const b of bar.children) b.setAttribute('aria-selected', String(b.dataset.id === id));
    changed?.(id);
  };
  bar.append(...panes.map((p) => h('button', {
    type: 'button', role: 'tab', class: 'tab', dataset: { id: p.id, testid: `${prefix}-tab-${p.id}` }, on: { click: () => show(p.id) },
  }, p.label)));
  show(current);
  return { bar, show, current: () => current };
}

// grid is a table that keeps its rows. columns: [{head, cell(row), class}].
export function grid(columns, { key, rowProps = () => ({}), empty = 'Nothing yet.', label }) {
  const body = h('tbody');
  const none = h('p', { class: 'empty' }, empty);
  const table = h('table', { class: 'grid', 'aria-label': label }, h('thead', null, h('tr', null, columns.map((c) => h('th', { class: c.class }, c.head)))), body);
  const root = h('div', { class: 'grid-wrap' }, table, none);
  const draw = (rows, extra = '') => {
    none.hidden = rows.length > 0;
    table.hidden = rows.length === 0;
    keep(body, rows, {
      key, sig: (r) => stable(r) + extra,
      draw: (r) => h('tr', rowProps(r), columns.map((c) => h('td', { class: c.class }, c.cell(r)))),
    });
  };
  return { root, draw };
}

// tryButton runs fn and shows its refusal, or its word of success, beside it.
export function tryButton(label, fn, { testid, className = 'small' } = {}) {
  const said = h('span', { class: 'said', role: 'status' });
  const button = h('button', {
    type: 'button', class: `button ${className}`, dataset: { testid },
    on: {
      click: async () => {
        button.disabled = true;
        button.classList.add('working');
        try {
          say((await fn()) || '', false);
        } catch (err) {
          say(err.message, true);
        }
        button.disabled = false;
        button.classList.remove('working');
      },
    },
  }, label);
  const say = (text, bad) => {
    said.className = bad ? 'said bad' : 'said';
    said.textContent = text;
    if (!bad) setTimeout(() => { said.textContent = ''; }, 4000);
  };
  return h('span', { class: 'try' }, button, said);
}

// json shows a value that opens on demand.
export function json(summary, value) {
  if (value === null || value === undefined || (typeof value === 'object' && !Object.keys(value).length)) return h('span', { class: 'faint' }, summary || '–');
  return h('details', { class: 'json' }, h('summary', null, summary), h('pre', null, JSON.stringify(value, null, 2)));
}
