// Interactive elements of Block Kit. Each is drawn inside a frame that shows a
// spinner while its action runs and a mark when the bot did not answer.
//
// The surface (a message, a modal, the Home tab, the gallery) is met through
// ctx: get/set hold the state of inputs, act sends an action, options searches.

import { h, icon } from './dom.js';
import { anchor, textObject, words, safeHref, mrkdwn } from './mrkdwn.js';
import { combobox } from './select.js';
import { confirmed, menu } from './popup.js';
import { initialState, plainValue } from './values.js';
import { people } from './people.js';

let names = 0;

// element draws any element of a block.
export function element(el, block, ctx) {
  const draw = drawers[el.type];
  if (!draw) return unknown(el);
  const frame = h('span', { class: `element element-${el.type}`, dataset: { testid: 'element', element: el.type } });
  const e = { el, block, ctx, frame, ids: { actionId: el.action_id, blockId: block.block_id, testid: el.type } };
  frame.append(draw(e));
  return frame;
}

export function unknown(thing) {
  return h('details', { class: 'unknown', dataset: { testid: 'unknown' } },
    h('summary', null, icon('braces'), ` ${thing && thing.type ? thing.type : 'unknown'}: not drawn by this page`),
    h('pre', null, JSON.stringify(thing, null, 2)));
}

// send runs one action of e: spinner, then a mark if it was not acknowledged.
async function send(e, value) {
  if (e.el.confirm && !(await confirmed(e.el.confirm))) return false;
  mark(e.frame, '');
  e.frame.classList.add('busy');
  e.frame.setAttribute('aria-busy', 'true');
  try {
    const answer = await e.ctx.act(e.block, e.el, value);
    if (answer && answer.sent !== false && answer.acked === false) {
      mark(e.frame, `The bot did not acknowledge this in time${answer.error ? ` (${answer.error})` : ''}. Try again.`);
    }
  } catch (err) {
    mark(e.frame, err.message);
  } finally {
    e.frame.classList.remove('busy');
    e.frame.removeAttribute('aria-busy');
  }
  return true;
}

function mark(frame, text) {
  frame.querySelector('.missed')?.remove();
  if (!text) return;
  frame.append(h('span', { class: 'missed', role: 'alert', title: text, dataset: { testid: 'missed' } }, icon('warning'), h('span', null, text)));
}

const state = (e) => e.ctx.get(e.block, e.el) ?? initialState(e.el);

// changed notes a new state and tells the app (which only stores it when the
// element does not dispatch).
async function changed(e, next) {
  const before = state(e);
  e.ctx.set(e.block, e.el, next);
  e.ctx.touched?.(e.block);
  const sent = await send(e, plainValue(e.el, next));
  if (!sent) e.ctx.set(e.block, e.el, before);
  return sent;
}

const label = (e) => words(e.el.accessibility_label) || words(e.block.label) || words(e.block.text) || e.el.action_id || e.el.type;

const drawers = {
  button, workflow_button: button, icon_button: button,
  overflow,
  static_select: select, external_select: select, multi_static_select: select, multi_external_select: select,
  users_select: select, multi_users_select: select, channels_select: select, multi_channels_select: select,
  conversations_select: select, multi_conversations_select: select,
  radio_buttons: choices, checkboxes: choices,
  datepicker: (e) => picker(e, 'date', 'selected_date', (v) => v, (v) => v),
  timepicker: (e) => picker(e, 'time', 'selected_time', (v) => v, (v) => v),
  datetimepicker: (e) => picker(e, 'datetime-local', 'selected_date_time', fromEpoch, toEpoch),
  plain_text_input: text, number_input: text, email_text_input: text, url_text_input: text,
  image,
};

function button(e) {
  const { el } = e;
  const face = el.text ? textObject(el.text) : [icon('dots')];
  const attrs = {
    class: `button ${el.style === 'primary' || el.style === 'danger' ? el.style : ''}`,
    'aria-label': words(el.accessibility_label) || null, dataset: { ...e.ids, value: el.value },
  };
  const href = el.url ? safeHref(el.url) : null;
  if (href) {
    // Slack sends an action for link buttons too, and the app must acknowledge it.
    const link = anchor(el.url, face, icon('out'));
    link.className = attrs.class;
    Object.assign(link.dataset, e.ids, el.value === undefined ? {} : { value: el.value });
    link.addEventListener('click', () => send(e, el.value ?? ''));
    return link;
  }
  return h('button', { ...attrs, type: 'button', on: { click: () => { if (!e.frame.classList.contains('busy')) send(e, el.value ?? ''); } } }, face);
}

function overflow(e) {
  return menu({
    label: label(e), dataset: e.ids,
    items: () => (e.el.options || []).map((o) => ({
      label: textObject(o.text), description: o.description && words(o.description), value: o.value, testid: 'overflow-option',
      run: () => {
        const href = o.url && safeHref(o.url);
        if (href) window.open(href, '_blank', 'noopener');
        send(e, o.value);
      },
    })),
  });
}

// sources says where a select's options come from and where its state lives.
const asOption = (id, name) => ({ value: id, text: { type: 'plain_text', text: name, emoji: false } });
const directory = {
  users: { rows: () => people.list.map((p) => asOption(p.id, p.real_name || p.name)), field: 'selected_user', name: (id) => people.name(id) },
  channels: { rows: () => people.channels.map((c) => asOption(c.id, `#${c.name}`)), field: 'selected_channel', name: (id) => `#${people.channelName(id)}` },
  conversations: { rows: () => people.channels.map((c) => asOption(c.id, `#${c.name}`)), field: 'selected_conversation', name: (id) => `#${people.channelName(id)}` },
};

function select(e) {
  const { el, ctx } = e;
  const many = el.type.startsWith('multi_');
  const from = directory[el.type.replace('multi_', '').replace('_select', '')];
  const field = from ? (many ? `${from.field}s` : from.field) : many ? 'selected_options' : 'selected_option';
  const now = state(e)[field];
  const list = now === null || now === undefined ? [] : [].concat(now);
  return combobox({
    ids: e.ids, label: label(e), placeholder: el.placeholder, many, max: el.max_selected_items,
    clearable: Boolean(e.block.optional),
    fixed: from ? { options: from.rows() } : { options: el.options, option_groups: el.option_groups },
    load: el.type.endsWith('external_select') ? (query) => ctx.options(e.block, el, query) : null,
    minQuery: el.min_query_length ?? 3,
    selected: from ? list.map((id) => asOption(id, from.name(id))) : list,
    change: (options) => {
      const picked = from ? options.map((o) => o.value) : options;
      changed(e, { [field]: many ? picked : picked[0] ?? null });
    },
  });
}

function choices(e) {
  const { el } = e;
  const many = el.type === 'checkboxes';
  const name = `choice-${++names}`;
  const now = state(e);
  const on = new Set((many ? now.selected_options || [] : [now.selected_option].filter(Boolean)).map((o) => o.value));
  const box = h('span', { class: 'choices', role: many ? 'group' : 'radiogroup', 'aria-label': label(e), dataset: { actionId: el.action_id, blockId: e.block.block_id } });
  const read = () => [...box.querySelectorAll('input')].filter((i) => i.checked).map((i) => el.options.find((o) => o.value === i.value));
  for (const o of el.options || []) {
    const input = h('input', {
      type: many ? 'checkbox' : 'radio', name, value: o.value, dataset: { ...e.ids, value: o.value },
      on: {
        change: async () => {
          const picked = read();
          const ok = await changed(e, many ? { selected_options: picked } : { selected_option: picked[0] ?? null });
          if (!ok) for (const i of box.querySelectorAll('input')) i.checked = on.has(i.value);
        },
      },
    });
    input.checked = on.has(o.value);
    box.append(h('label', { class: 'choice' }, input, h('span', null, h('span', { class: 'choice-text' }, textObject(o.text)),
      o.description && h('small', null, textObject(o.description)))));
  }
  return box;
}

const pad = (n) => String(n).padStart(2, '0');
function fromEpoch(epoch) {
  const d = new Date(Number(epoch) * 1000);
  return `${d.getFullYear()}-${pad(d.getMonth() + 1)}-${pad(d.getDate())}T${pad(d.getHours())}:${pad(d.getMinutes())}`;
}
const toEpoch = (local) => Math.floor(new Date(local).getTime() / 1000);

function picker(e, type, field, show, read) {
  const now = state(e)[field];
  return h('input', {
    type, class: 'field picker', 'aria-label': label(e), dataset: e.ids,
    value: now === null || now === undefined ? '' : show(now),
    on: { change: (ev) => changed(e, { [field]: ev.target.value ? read(ev.target.value) : null }) },
  });
}

const htmlTypes = { plain_text_input: 'text', number_input: 'text', email_text_input: 'email', url_text_input: 'url' };

function text(e) {
  const { el, ctx, block } = e;
  const on = (block.dispatch_action && (el.dispatch_action_config?.trigger_actions_on || ['on_enter_pressed'])) || [];
  let timer = 0;
  const read = (ev) => ({ value: ev.target.value === '' ? null : ev.target.value });
  const props = {
    class: 'field', placeholder: words(el.placeholder) || null, 'aria-label': label(e), maxlength: el.max_length || null,
    inputmode: el.type === 'number_input' ? 'decimal' : null, autocomplete: 'off', autofocus: el.focus_on_load,
    value: state(e).value ?? '', dataset: e.ids,
    on: {
      input: (ev) => {
        ctx.set(block, el, read(ev));
        ctx.touched?.(block);
        clearTimeout(timer);
        if (on.includes('on_character_entered')) timer = setTimeout(() => { if (e.frame.isConnected) changed(e, read(ev)); }, 300);
      },
      change: (ev) => { if (!on.length) changed(e, read(ev)); },
      keydown: (ev) => {
        if (ev.key !== 'Enter' || ev.isComposing || (el.multiline && !ev.ctrlKey && !ev.metaKey)) return;
        ev.preventDefault();
        if (on.includes('on_enter_pressed')) changed(e, read(ev));
        else ctx.enter?.();
      },
    },
  };
  return el.multiline ? h('textarea', { ...props, rows: 3 }) : h('input', { ...props, type: htmlTypes[el.type] });
}

function image(e) {
  return picture(e.el, 'thumb');
}

// picture draws an image element or block; a broken address leaves the words.
export function picture(img, className) {
  const href = safeHref(img.image_url || img.slack_file?.url || '') || (/^data:image\/(png|gif|jpeg|webp);base64,/.test(img.image_url || '') ? img.image_url : null);
  const alt = img.alt_text || '';
  const lost = () => h('span', { class: `image-lost ${className}`, role: 'img', 'aria-label': alt }, icon('image'), className === 'icon-image' ? null : alt);
  if (!href) return lost();
  const pic = h('img', { src: href, alt, class: className, loading: 'lazy', referrerpolicy: 'no-referrer' });
  pic.addEventListener('error', () => pic.replaceWith(lost()), { once: true });
  return pic;
}

// quoted draws a text object given as mrkdwn or plain, for hints and labels.
export const quoted = (t) => (t && t.type === 'mrkdwn' ? mrkdwn(t.text) : textObject(t));
