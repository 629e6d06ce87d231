// Where a person types: messages, mentions, and the slash command.

import { app } from './app.js';
import { h, icon, fill } from './dom.js';
import { slack } from './hooks.js';
import { people } from './people.js';

const commands = () => [{ name: people.command, usage: people.hint, what: people.about }];

const held = new Map(); // what each person has typed where, kept across switches

// composer builds one; where() answers {channel, thread}.
export function composer({ testid, label, where }) {
  const box = h('textarea', {
    rows: '1', class: 'composer-text', 'aria-label': label, placeholder: label, dataset: { testid },
    on: { input: onInput, keydown: onKey, beforeinput: onBreak, blur: () => setTimeout(hideHelp, 150), focus: suggest },
  });
  const send = h('button', {
    type: 'button', class: 'send', title: 'Send (Enter)', 'aria-label': 'Send', dataset: { testid: testid === 'composer' ? 'send' : 'thread-send' },
    on: { click: submit },
  }, icon('send'));
  const error = h('div', { class: 'composer-error', role: 'alert', hidden: true, dataset: { testid: `${testid}-error` } });
  const help = h('div', { class: 'popup slash', role: 'listbox', 'aria-label': 'Suggestions', hidden: true });
  const root = h('div', { class: 'composer' }, error, h('div', { class: 'composer-box' }, help, box, send));
  let rows = [];
  let active = 0;
  let shifted = false;
  let underway = 0;

  const slot = () => `${app.me}:${where().channel}:${where().thread || ''}`;

  function onInput() {
    held.set(slot(), box.value);
    grow();
    suggest();
  }

  function grow() {
    box.style.height = 'auto';
    if (box.scrollHeight) box.style.height = `${Math.min(160, box.scrollHeight)}px`; // 0: hidden
    send.classList.toggle('ready', box.value.trim() !== '');
  }

  // type puts text into the box as if it had been typed.
  function type(text) {
    box.value = text;
    box.focus();
    box.setSelectionRange(text.length, text.length);
    onInput();
  }

  // suggest offers the command while its name is typed, people after an @.
  function suggest() {
    const text = box.value.slice(0, box.selectionStart);
    const at = /(^|\s)@([a-z0-9._-]*)$/i.exec(text);
    rows = [];
    if (/^\/\S*$/.test(text)) {
      rows = commands().filter((c) => c.name.startsWith(text)).map((c) => ({ face: [h('b', null, c.name), ' ', h('span', { class: 'usage' }, c.usage), h('small', null, c.what)], put: `${c.name} ` }));
    } else if (at) {
      const all = [{ name: people.bot.name, role: 'the bot' }, ...people.list];
      rows = all.filter((p) => p.name.startsWith(at[2].toLowerCase())).map((p) => ({
        face: [h('b', null, `@${p.name}`), ' ', h('span', { class: 'usage' }, p.role)],
        put: `${text.slice(0, text.length - at[2].length)}${p.name} `,
      }));
    }
    active = 0;
    drawHelp();
  }

  function drawHelp() {
    help.hidden = !rows.length;
    fill(help, rows.map((r, n) => h('div', {
      role: 'option', class: n === active ? 'combo-option active' : 'combo-option', 'aria-selected': String(n === active), dataset: { testid: 'suggestion' },
      on: { mousedown: (e) => { e.preventDefault(); accept(r); } },
    }, r.face)));
  }

  function hideHelp() {
    rows = [];
    drawHelp();
  }

  function accept(row) {
    type(row.put + box.value.slice(box.selectionStart));
    hideHelp();
  }

  // onBreak refuses the line break of an Enter that has already sent the text;
  // browsers that are driven by a program deliver it nevertheless.
  function onBreak(e) {
    if (e.inputType === 'insertLineBreak' && !shifted) e.preventDefault();
  }

  function onKey(e) {
    shifted = e.shiftKey;
    if (e.isComposing) return;
    if (rows.length && (e.key === 'ArrowDown' || e.key === 'ArrowUp')) {
      e.preventDefault();
      active = (active + (e.key === 'ArrowDown' ? 1 : -1) + rows.length) % rows.length;
      drawHelp();
    } else if (rows.length && (e.key === 'Tab' || (e.key === 'Enter' && rows[active].put.trim() !== box.value.trim()))) {
      e.preventDefault();
      accept(rows[active]);
    } else if (rows.length && e.key === 'Escape') {
      e.stopPropagation();
      hideHelp();
    } else if (e.key === 'Enter' && !e.shiftKey) {
      e.preventDefault();
      submit();
    }
  }

  function say(text) {
    error.hidden = !text;
    fill(error, text && [icon('warning'), h('span', null, text), h('button', { type: 'button', class: 'plain', 'aria-label': 'Dismiss', on: { click: () => say('') } }, icon('close'))]);
  }

  // submit empties the box at once, so that the next line can be typed while
  // this one travels; a refused line comes back, unless something else stands
  // there by then.
  async function submit() {
    const text = box.value.trim();
    if (!text) return;
    say('');
    hideHelp();
    const from = slot();
    const to = where();
    type('');
    let refused;
    root.classList.toggle('busy', ++underway > 0);
    try {
      refused = await deliver(text, to);
    } catch (err) {
      refused = err.message;
    }
    root.classList.toggle('busy', --underway > 0);
    if (refused && !held.get(from)) held.set(from, text);
    if (refused && slot() === from) {
      say(refused);
      if (!box.value) type(text);
      hideHelp();
    }
    app.refresh();
  }

  // sync shows what this person had typed here.
  function sync() {
    const text = held.get(slot()) || '';
    if (root.slot !== slot()) {
      root.slot = slot();
      say('');
      box.value = text;
      grow();
    }
  }

  const relabel = (text) => { box.placeholder = text; box.setAttribute('aria-label', text); };
  return { root, type, sync, label: relabel };
}

// deliver sends one line; the answer is why it was refused, or ''.
async function deliver(text, { channel, thread }) {
  const command = /^(\/\S+)\s*([\s\S]*)$/.exec(text);
  if (!command) {
    const encoded = people.encode(text);
    const sort = encoded.includes(`<@${people.bot.id}>`) ? 'mention' : 'message';
    const answer = await slack[sort](app.me, channel, encoded, thread);
    if (answer?.error === 'not_in_channel') app.complaint = `@${people.bot.name} is not in this channel and was not told.`;
    return '';
  }
  const [, name, args] = command;
  if (!commands().some((c) => c.name === name)) return `${name} is not a valid command. Try ${people.command}.`;
  if (thread) return `${name} is not supported in threads. Sorry! Use the buttons, the message menu, or mention @${people.bot.name}.`;
  const answer = await slack.command(app.me, channel, args); // as typed: the manifest says should_escape: false
  if (answer && answer.acked === false) return `${name} failed: the bot did not answer in time${answer.error ? ` (${answer.error})` : ''}.`;
  return '';
}
