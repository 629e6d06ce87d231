// The stack of modals: the top one can be used, those below wait.

import { app } from './app.js';
import { h, icon, fill, keep, stable, cycleTab } from './dom.js';
import { blocks, showError } from './blocks.js';
import { slack } from './hooks.js';
import { textObject, words } from './mrkdwn.js';
import { inputsOf, initialState, plainValue, problem } from './values.js';
import { forget, viewSurface } from './surface.js';

const trouble = 'We had some trouble connecting. Try again?';

// modalLayer covers the chat while a modal is open; the side bar stays free, so
// that one can look something up, or be somebody else, and come back.
export function modalLayer() {
  const stack = h('div', { class: 'stack' });
  const tip = h('div', { class: 'tip', dataset: { testid: 'modal-tip' } }, icon('bulb'),
    h('span', null, 'Sandbox hint: “Redis Cloud” lists every backup file; one click copies all files of one backup. This form waits here.'),
    h('button', { type: 'button', class: 'button small', dataset: { testid: 'modal-tip-cloud' }, on: { click: () => app.go({ area: 'cloud' }) } }, 'Open Redis Cloud'));
  const layer = h('div', { class: 'modals', dataset: { testid: 'modals' } }, stack, tip);
  // Escape closes the top modal also when nothing has the focus.
  document.addEventListener('keydown', (e) => {
    const top = stack.lastElementChild;
    if (e.key === 'Escape' && top && app.area === 'chat' && document.activeElement === document.body) leave(top, false);
  });
  return Object.assign(layer, { stack, tip });
}

// asksForFiles tells a form that wants addresses of backup files.
const asksForFiles = (view) => inputsOf(view?.blocks).some(({ element }) => /s3:\/\/|gs:\/\/|abs:\/\//.test(words(element.placeholder)));

// drawModals brings the stack in line with the state. A view keeps its node
// for its whole life, through every views.update. The rooms behind cannot be
// used meanwhile, and get the focus back afterwards.
export function drawModals(layer, rooms) {
  const box = layer.stack;
  const stack = app.state?.modals || [];
  if (stack.length && !rooms.inert) layer.opener = rooms.contains(document.activeElement) ? document.activeElement : null;
  layer.hidden = !stack.length;
  rooms.inert = stack.length > 0;
  layer.tip.hidden = !asksForFiles(stack.at(-1));
  if (app.state) forget([...stack, app.state.home].filter(Boolean));
  keep(box, stack, { key: (v) => v.id, sig: (v) => stable(v), draw: build, update });
  const nodes = [...box.children];
  nodes.forEach((node, n) => {
    const top = n === nodes.length - 1;
    node.classList.toggle('below', !top);
    node.inert = !top;
    if (top) node.dataset.testid = 'modal';
    else node.dataset.testid = 'modal-below';
    node.style.setProperty('--depth', String(nodes.length - 1 - n));
    if (top && !node.seen) { node.seen = true; focusFirst(node); }
  });
  // The modal that went took the focus with it: hand it on.
  if (document.activeElement !== document.body) return;
  if (nodes.length && layer.depth > nodes.length) focusFirst(nodes.at(-1));
  else if (!nodes.length && layer.opener?.isConnected) layer.opener.focus({ preventScroll: true });
  if (!nodes.length) layer.opener = null;
  layer.depth = nodes.length;
}

function focusFirst(node) {
  if (app.area !== 'chat') return;
  const first = node.querySelector('[autofocus]') || node.querySelector('.modal-body input:not([type=radio]):not([type=checkbox]), .modal-body textarea') ||
    node.querySelector('[data-testid=modal-submit]:not([hidden])') || node.querySelector('[data-testid=modal-close]');
  first?.focus({ preventScroll: true });
}

function build(view) {
  const head = h('h2', { id: `title-${view.id}` });
  const body = h('div', { class: 'modal-body' });
  const banner = h('div', { class: 'banner', role: 'alert', hidden: true, dataset: { testid: 'modal-error' } });
  const submit = h('button', { type: 'button', class: 'button primary', dataset: { testid: 'modal-submit' }, on: { click: () => send(node) } });
  const close = h('button', { type: 'button', class: 'button', dataset: { testid: 'modal-close' }, on: { click: () => leave(node, false) } });
  const node = h('div', {
    class: 'modal', role: 'dialog', 'aria-modal': 'true', 'aria-labelledby': `title-${view.id}`, tabindex: '-1', dataset: { viewId: view.id },
    on: { keydown: (e) => onKey(node, e) },
  },
  h('header', null, head, h('button', {
    type: 'button', class: 'menu-button', 'aria-label': 'Close all', title: 'Close', dataset: { testid: 'modal-dismiss' }, on: { click: () => leave(node, true) },
  }, icon('close'))), banner, body, h('footer', null, close, submit));
  Object.assign(node, { view: { ...view }, parts: { head, body, banner, submit, close }, errors: new Map() });
  node.surface = {
    ...viewSurface(node.view),
    errorOf: (block) => node.errors.get(block.block_id),
    touched: (block) => setErrors(node, { ...Object.fromEntries(node.errors), [block.block_id]: '' }),
    enter: () => { if (node.view.submit) send(node); },
  };
  const act = node.surface.act;
  node.storing = new Set();
  node.surface.act = async (block, el, value) => {
    if (node.leaving) return null;
    const sent = act(block, el, value);
    if (block.type === 'input' && !block.dispatch_action) {
      node.storing.add(sent);
      sent.catch(() => {}).finally(() => node.storing.delete(sent));
    }
    try {
      return await sent;
    } catch (err) {
      // Its modal went away meanwhile (a typed text is stored while Submit is
      // already pressed): nothing to say.
      if (!node.isConnected || node.leaving || err.status === 404) { app.refresh(); return null; }
      throw err;
    }
  };
  update(node, view);
  return node;
}

function update(node, view) {
  const { head, body, submit, close } = node.parts;
  const before = node.view.hash;
  for (const k of Object.keys(node.view)) delete node.view[k];
  Object.assign(node.view, view);
  if (before !== view.hash) renewed(node);
  node.dataset.callbackId = view.callback_id || '';
  fill(head, textObject(view.title));
  blocks(body, view.blocks, node.surface);
  submit.hidden = !view.submit;
  if (!submit.parentNode.classList.contains('busy')) fill(submit, textObject(view.submit || 'Submit'));
  fill(close, textObject(view.close || 'Cancel'));
  told(node, view);
}

// renewed takes over a view that the bot has updated: old errors go, and choices
// are the state's again (they were sent when made). Typed text stays: it may not
// have been sent yet.
function renewed(node) {
  setErrors(node, {});
  banner(node, '');
  for (const { block, element } of inputsOf(node.view.blocks)) {
    if (!/_input$/.test(element.type)) node.surface.drop(block, element);
  }
}

// told shows errors that came with the state (another tab or a test submitted),
// once: what was typed since then stays cleared.
function told(node, view) {
  const errors = stable(view.errors || {});
  if (node.toldErrors !== errors && errors !== '{}') setErrors(node, view.errors);
  node.toldErrors = errors;
  if (view.trouble && !node.toldTrouble) banner(node, trouble);
  node.toldTrouble = Boolean(view.trouble);
}

function onKey(node, e) {
  if (e.key === 'Escape') leave(node, false);
  else cycleTab(node, e);
}

function banner(node, text, detail) {
  const { banner: el } = node.parts;
  el.hidden = !text;
  fill(el, text && [icon('warning'), h('span', null, text), detail && h('small', null, detail)]);
}

// setErrors shows {block_id: text}; what belongs to no input goes to the banner.
function setErrors(node, errors) {
  node.errors = new Map(Object.entries(errors).filter(([, text]) => text));
  const lost = new Map(node.errors);
  let first = null;
  for (const el of node.parts.body.children) {
    const text = node.errors.get(el.dataset.blockId) || '';
    if (showError(el, text) && text) {
      lost.delete(el.dataset.blockId);
      first = first || el;
    }
  }
  return { first, lost };
}

function showErrors(node, errors) {
  const { first, lost } = setErrors(node, errors);
  banner(node, lost.size ? [...lost.values()].join(' ') : '');
  first?.scrollIntoView({ block: 'nearest' });
  first?.querySelector('input,textarea')?.focus({ preventScroll: true });
}

// values collects what the hooks take: block_id/action_id → plain value.
function values(node) {
  const out = {};
  for (const { block, element } of inputsOf(node.view.blocks)) {
    out[`${block.block_id}/${element.action_id}`] = plainValue(element, node.surface.get(block, element) ?? initialState(element));
  }
  return out;
}

function problems(node) {
  const out = {};
  for (const { block, element } of inputsOf(node.view.blocks)) {
    const text = problem(block, element, node.surface.get(block, element) ?? initialState(element));
    if (text) out[block.block_id] = text;
  }
  return out;
}

// stored ends the typing in a field, which stores its text, and waits until
// everything is stored: nothing may be sent for a view that is gone.
async function stored(node) {
  const at = document.activeElement;
  if (node.parts.body.contains(at) && at.matches('input.field, textarea.field')) {
    at.blur();
    at.focus({ preventScroll: true });
  }
  await Promise.allSettled(node.storing);
}

async function send(node) {
  const footer = node.parts.submit.parentNode;
  if (footer.classList.contains('busy')) return;
  const wrong = problems(node);
  showErrors(node, wrong);
  if (Object.keys(wrong).length) return;
  busy(node, true);
  await stored(node);
  try {
    const answer = await slack.submit(app.me, node.view.id, values(node));
    if (answer.errors && Object.keys(answer.errors).length) showErrors(node, answer.errors);
    else if (answer.acked === false) banner(node, trouble, answer.error);
    else if (answer.error) banner(node, trouble, answer.error);
  } catch (err) {
    banner(node, err.message);
  }
  busy(node, false);
  app.refresh();
}

function busy(node, on) {
  const { submit, close } = node.parts;
  submit.parentNode.classList.toggle('busy', on);
  submit.classList.toggle('working', on);
  submit.setAttribute('aria-busy', String(on));
  close.disabled = on;
}

// leave closes this view, or (all) the whole stack, as Cancel and ✕ do.
async function leave(node, all) {
  if (node.leaving) return;
  node.leaving = true;
  await Promise.allSettled(node.storing);
  try {
    await slack.close(app.me, node.view.id, all || Boolean(node.view.clear_on_close));
  } catch (err) {
    if (words(err.message)) banner(node, err.message);
  }
  await app.refresh(); // what was typed meanwhile goes with the view
  node.leaving = false;
}
