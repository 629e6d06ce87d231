// Building and keeping DOM. Every outside string passes through h() as a text
// node or an attribute value; there is no innerHTML in this page.

// h builds an element. Props: class, dataset {…}, on {event: fn}, style {…},
// boolean attributes; null and false leave an attribute out.
export function h(tag, props, ...children) {
  const el = document.createElement(tag);
  for (const [name, value] of Object.entries(props || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name === 'on') for (const [ev, fn] of Object.entries(value)) el.addEventListener(ev, fn);
    else if (name === 'dataset') {
      for (const [k, v] of Object.entries(value)) if (v !== undefined && v !== null) el.dataset[k] = v;
    } else if (name === 'style') {
      for (const [k, v] of Object.entries(value)) el.style.setProperty(k, v);
    } else if (name === 'value') el.value = value;
    else if (value === true) el.setAttribute(name, '');
    else el.setAttribute(name, value);
  }
  append(el, children);
  return el;
}

export function append(el, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false || child === '') continue;
    el.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
}

export function fill(el, ...children) {
  el.replaceChildren();
  append(el, children);
  return el;
}

// icon draws one of the page's own pictures (icons.svg).
export function icon(name, label) {
  const ns = 'http://www.w3.org/2000/svg';
  const svg = document.createElementNS(ns, 'svg');
  svg.setAttribute('class', 'icon');
  svg.setAttribute('viewBox', '0 0 20 20');
  if (label) {
    svg.setAttribute('role', 'img');
    svg.setAttribute('aria-label', label);
  } else svg.setAttribute('aria-hidden', 'true');
  const use = document.createElementNS(ns, 'use');
  use.setAttribute('href', `/assets/icons.svg#${name}`);
  svg.append(use);
  return svg;
}

// keep makes parent's children match items, in order, touching only what
// changed: a child stays as long as its signature does, so focus, selection,
// half-typed text and open pickers survive every refresh. A child that must be
// replaced hands its focus to the same control in its successor. With update,
// a child that exists is told of its new item instead of being replaced.
export function keep(parent, items, { key, sig, draw, update }) {
  const old = new Map();
  for (const child of [...parent.children]) {
    if (child.keepKey === undefined) child.remove();
    else old.set(child.keepKey, child);
  }
  let cursor = parent.firstElementChild;
  for (const item of items) {
    const k = key(item);
    const s = sig(item);
    let node = old.get(k);
    old.delete(k);
    if (node && update && node.keepSig !== s) {
      update(node, item);
      node.keepSig = s;
    } else if (!node || node.keepSig !== s) {
      const fresh = draw(item);
      fresh.keepKey = k;
      fresh.keepSig = s;
      if (node) {
        const focus = focusMark(node);
        if (cursor === node) cursor = fresh;
        node.replaceWith(fresh);
        restoreFocus(fresh, focus);
      }
      node = fresh;
    }
    if (node === cursor) cursor = cursor.nextElementSibling;
    else parent.insertBefore(node, cursor);
  }
  for (const gone of old.values()) gone.remove();
}

// focusMark remembers which control inside el has the focus, by its ids.
export function focusMark(el) {
  const at = document.activeElement;
  if (!at || at === document.body || !el.contains(at)) return null;
  const mark = { action: at.dataset.actionId, block: at.dataset.blockId, test: at.dataset.testid, value: at.dataset.value };
  if ('selectionStart' in at) {
    try { mark.from = at.selectionStart; mark.to = at.selectionEnd; } catch { /* not a text control */ }
  }
  return mark;
}

export function restoreFocus(el, mark) {
  if (!mark) return;
  const all = [el, ...el.querySelectorAll('[data-action-id],[data-testid]')];
  const same = all.find((n) => n.dataset.actionId === mark.action && n.dataset.blockId === mark.block &&
    n.dataset.testid === mark.test && n.dataset.value === mark.value);
  if (!same) return;
  same.focus({ preventScroll: true });
  if (mark.from !== undefined && mark.from !== null && 'setSelectionRange' in same) {
    try { same.setSelectionRange(mark.from, mark.to); } catch { /* not a text control */ }
  }
}

// stable is a signature of plain data.
export const stable = (value) => JSON.stringify(value);

// copy puts text on the clipboard and says so on the button.
export async function copy(text, button) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = h('textarea', { class: 'offscreen', value: text });
    document.body.append(area);
    area.select();
    document.execCommand('copy');
    area.remove();
  }
  if (!button) return;
  button.classList.add('copied');
  setTimeout(() => button.classList.remove('copied'), 1200);
}

// cycleTab keeps Tab inside el, for dialogs.
export function cycleTab(el, event) {
  if (event.key !== 'Tab') return;
  const stops = [...el.querySelectorAll('button,input,select,textarea,a[href],[tabindex="0"]')]
    .filter((n) => !n.disabled && n.offsetParent !== null);
  if (!stops.length) return;
  const first = stops[0];
  const last = stops[stops.length - 1];
  if (event.shiftKey && document.activeElement === first) {
    event.preventDefault();
    last.focus();
  } else if (!event.shiftKey && document.activeElement === last) {
    event.preventDefault();
    first.focus();
  }
}
