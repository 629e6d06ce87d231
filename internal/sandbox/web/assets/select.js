// A combobox for every select of Block Kit: one or many, fixed options or
// searched through the app.

import { h, icon } from './dom.js';
import { place } from './popup.js';
import { textObject, words } from './mrkdwn.js';

const searchDelay = 180; // ms after the last key

// flat lists options and group headings in drawing order.
function flat(found) {
  const rows = [];
  for (const o of found.options || []) rows.push({ option: o });
  for (const g of found.groups || found.option_groups || []) {
    rows.push({ heading: g.label });
    for (const o of g.options || []) rows.push({ option: o });
  }
  return rows;
}

function filtered(found, query) {
  const want = query.trim().toLowerCase();
  const hit = (o) => !want || `${words(o.text)} ${words(o.description)} ${o.value}`.toLowerCase().includes(want);
  return {
    options: (found.options || []).filter(hit),
    groups: (found.option_groups || []).map((g) => ({ ...g, options: g.options.filter(hit) })).filter((g) => g.options.length),
  };
}

// combobox builds the control.
//   ids        data-attributes of the input
//   fixed      {options, option_groups}, or null when load is given
//   load       async (query) → {options, groups}
//   minQuery   letters before load is asked
//   selected   options chosen now
//   many, max  several may be chosen
//   clearable  one may be taken back
//   change     told the chosen options after every choice
export function combobox({ ids, label, placeholder, fixed, load, minQuery = 0, selected = [], many, max, clearable, change }) {
  let chosen = [...selected];
  let list = null;
  let active = -1;
  let ask = 0;
  let timer = 0;

  const input = h('input', {
    type: 'text', role: 'combobox', class: 'combo-input', autocomplete: 'off', spellcheck: 'false',
    placeholder: words(placeholder) || (load ? 'Search…' : 'Choose…'), 'aria-label': label, 'aria-expanded': 'false',
    'aria-autocomplete': 'list', dataset: ids,
    on: { focus: onFocus, click: open, input: onType, keydown: onKey, blur: onBlur },
  });
  const chips = h('span', { class: 'chips' });
  const clear = h('button', {
    type: 'button', class: 'combo-clear', 'aria-label': 'Clear', title: 'Clear', tabindex: '-1',
    on: { mousedown: (e) => e.preventDefault(), click: () => { choose([]); input.focus(); } },
  }, icon('close'));
  const root = h('span', { class: many ? 'combo many' : 'combo', on: { mousedown: onRoot } }, chips, input, clear,
    h('span', { class: 'combo-arrow', 'aria-hidden': 'true' }, icon(load ? 'search' : 'chevron')));
  show();
  return root;

  function onRoot(e) {
    if (e.target !== input && !e.target.closest('button,.popup')) { e.preventDefault(); input.focus(); open(); }
  }

  function show() {
    if (!many) {
      input.value = chosen[0] ? words(chosen[0].text) : '';
      input.dataset.value = chosen[0] ? chosen[0].value : '';
    } else {
      chips.replaceChildren(...chosen.map((o) => h('span', { class: 'chip' }, textObject(o.text), h('button', {
        type: 'button', 'aria-label': `Remove ${words(o.text)}`,
        on: { mousedown: (e) => e.preventDefault(), click: () => choose(chosen.filter((c) => c.value !== o.value)) },
      }, icon('close')))));
      input.dataset.value = chosen.map((o) => o.value).join(',');
      input.value = '';
    }
    clear.hidden = many || !clearable || !chosen.length;
  }

  function choose(next) {
    chosen = next;
    show();
    change(chosen);
  }

  function onFocus() {
    if (!many) input.select();
  }

  function onBlur() {
    close();
    show();
  }

  function open() {
    if (list) return;
    list = h('div', { class: 'popup combo-list', role: 'listbox', 'aria-label': label, on: { mousedown: (e) => e.preventDefault() } });
    root.append(list);
    input.setAttribute('aria-expanded', 'true');
    place(list, root);
    window.addEventListener('scroll', moved, true);
    search('');
  }

  function moved(e) {
    if (list && !list.contains(e.target)) place(list, root);
  }

  function close() {
    clearTimeout(timer);
    ask++;
    window.removeEventListener('scroll', moved, true);
    input.setAttribute('aria-expanded', 'false');
    input.removeAttribute('aria-activedescendant');
    root.classList.remove('busy');
    if (list) list.remove();
    list = null;
    active = -1;
  }

  function onType() {
    open();
    clearTimeout(timer);
    if (load) timer = setTimeout(() => search(input.value), searchDelay);
    else search(input.value);
  }

  async function search(query) {
    if (!load) { draw(flat(filtered(fixed, query))); return; }
    if (query.trim().length < minQuery) {
      note(`Type at least ${minQuery} character${minQuery === 1 ? '' : 's'} to search.`);
      return;
    }
    const mine = ++ask;
    if (!list.querySelector('[role=option]')) note('Searching…', 'busy');
    root.classList.add('busy');
    try {
      const found = await load(query);
      if (mine === ask && list) draw(flat(found));
    } catch (err) {
      if (mine === ask && list) note(err.message, 'error');
    } finally {
      if (mine === ask) root.classList.remove('busy');
    }
  }

  function note(text, kind = '') {
    if (!list) return;
    active = -1;
    list.replaceChildren(h('div', { class: `combo-note ${kind}`, role: 'status', dataset: { testid: 'select-note' } }, text));
    place(list, root);
  }

  function draw(rows) {
    if (!list) return;
    const full = many && max && chosen.length >= max;
    if (full) { note(`At most ${max} can be chosen.`); return; }
    const isChosen = (o) => chosen.some((c) => c.value === o.value);
    const shown = rows.filter((r) => r.heading || !(many && isChosen(r.option)));
    if (!shown.some((r) => r.option)) { note('No matches.'); return; }
    list.replaceChildren(...shown.map((r, n) => r.heading
      ? h('div', { class: 'combo-heading' }, textObject(r.heading))
      : h('div', {
        role: 'option', id: `opt-${serial(input)}-${n}`, class: 'combo-option', 'aria-selected': String(isChosen(r.option)),
        dataset: { testid: 'option', value: r.option.value }, on: { click: () => take(r.option) },
      }, h('span', null, textObject(r.option.text)), r.option.description && h('small', null, textObject(r.option.description)))));
    move(many ? 0 : Math.max(0, optionRows().findIndex((n) => n.getAttribute('aria-selected') === 'true')));
    list.rows = shown.filter((r) => r.option).map((r) => r.option);
    place(list, root);
  }

  function optionRows() {
    return list ? [...list.querySelectorAll('[role=option]')] : [];
  }

  function move(to) {
    const rows = optionRows();
    if (!rows.length) return;
    active = (to + rows.length) % rows.length;
    rows.forEach((n, i) => n.classList.toggle('active', i === active));
    rows[active].scrollIntoView({ block: 'nearest' });
    input.setAttribute('aria-activedescendant', rows[active].id);
  }

  function take(option) {
    choose(many ? [...chosen, option] : [option]);
    if (many) search('');
    else close();
  }

  function onKey(e) {
    if (e.key === 'ArrowDown' || e.key === 'ArrowUp') {
      e.preventDefault();
      if (!list) open();
      else move(active + (e.key === 'ArrowDown' ? 1 : -1));
    } else if (e.key === 'Enter') {
      e.preventDefault();
      if (list && active >= 0 && list.rows) take(list.rows[active]);
    } else if (e.key === 'Escape' && list) {
      e.stopPropagation();
      close();
      show();
    } else if (e.key === 'Backspace' && many && !input.value && chosen.length) choose(chosen.slice(0, -1));
  }
}

let serials = 0;
const numbers = new WeakMap();
function serial(el) {
  if (!numbers.has(el)) numbers.set(el, ++serials);
  return numbers.get(el);
}
