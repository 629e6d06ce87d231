// The state of inputs, in Slack's own form (view.state.values), and its
// translation into the plain values that the hooks take.

const pick = (o) => o.selected_option ?? null;

// kinds maps an element type to: the field of its initial value, the state it
// makes, and the plain value the hooks expect.
const kinds = {
  text: { initial: (e) => ({ value: e.initial_value ?? null }), plain: (s) => s.value ?? null },
  option: { initial: (e) => ({ selected_option: e.initial_option ?? null }), plain: (s) => pick(s)?.value ?? null },
  options: { initial: (e) => ({ selected_options: e.initial_options ?? [] }), plain: (s) => (s.selected_options || []).map((o) => o.value) },
  datepicker: { initial: (e) => ({ selected_date: e.initial_date ?? null }), plain: (s) => s.selected_date ?? null },
  timepicker: { initial: (e) => ({ selected_time: e.initial_time ?? null }), plain: (s) => s.selected_time ?? null },
  datetimepicker: { initial: (e) => ({ selected_date_time: e.initial_date_time ?? null }), plain: (s) => s.selected_date_time ?? null },
};
for (const what of ['user', 'channel', 'conversation']) {
  kinds[`${what}s_select`] = {
    initial: (e) => ({ [`selected_${what}`]: e[`initial_${what}`] ?? null }),
    plain: (s) => s[`selected_${what}`] ?? null,
  };
  kinds[`multi_${what}s_select`] = {
    initial: (e) => ({ [`selected_${what}s`]: e[`initial_${what}s`] ?? [] }),
    plain: (s) => s[`selected_${what}s`] ?? [],
  };
}
const families = {
  plain_text_input: 'text', number_input: 'text', email_text_input: 'text', url_text_input: 'text',
  static_select: 'option', external_select: 'option', radio_buttons: 'option',
  multi_static_select: 'options', multi_external_select: 'options', checkboxes: 'options',
};

const kind = (type) => kinds[families[type] || type];

// isInput tells elements that hold a value from buttons and menus.
export const isInput = (element) => Boolean(element && kind(element.type));

export const initialState = (element) => kind(element.type).initial(element);

// plainValue answers what the hooks take for a state of this element.
export function plainValue(element, state) {
  return kind(element.type).plain(state || {});
}

export function isEmpty(element, state) {
  const v = plainValue(element, state);
  return v === null || v === '' || (Array.isArray(v) && v.length === 0);
}

// inputsOf lists [{block, element}] of a view's input-carrying blocks.
export function inputsOf(blocks) {
  const out = [];
  for (const block of blocks || []) {
    const elements = block.type === 'input' ? [block.element] : block.type === 'actions' ? block.elements || [] :
      block.type === 'section' && block.accessory ? [block.accessory] : [];
    for (const element of elements) if (isInput(element)) out.push({ block, element });
  }
  return out;
}

// typedInto answers the texts that stand in the fields of an open view.
export function typedInto(view) {
  const node = document.querySelector(`[data-view-id="${CSS.escape(view.id)}"]`);
  return node ? [...node.querySelectorAll('.modal-body textarea, .modal-body input.field')].map((f) => f.value.trim()).filter(Boolean) : [];
}

// problem answers why the browser would not send this input, or ''.
export function problem(block, element, state) {
  if (block.type !== 'input') return '';
  if (isEmpty(element, state)) return block.optional ? '' : 'Please complete this required field.';
  const v = plainValue(element, state);
  if (element.min_length && [...v].length < element.min_length) return `Please enter at least ${element.min_length} characters.`;
  if (element.max_length && [...v].length > element.max_length) return `Please enter at most ${element.max_length} characters.`;
  if (element.type === 'number_input') return numberProblem(element, v);
  if (element.type === 'email_text_input' && !/^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(v)) return 'Please enter a valid email address.';
  if (element.type === 'url_text_input' && !/^https?:\/\/\S+$/.test(v)) return 'Please enter a valid URL.';
  return '';
}

function numberProblem(element, v) {
  if (!/^-?\d+(\.\d+)?$/.test(v) || (!element.is_decimal_allowed && v.includes('.'))) {
    return element.is_decimal_allowed ? 'Please enter a number.' : 'Please enter a whole number.';
  }
  if (element.min_value !== undefined && Number(v) < Number(element.min_value)) return `Please enter ${element.min_value} or more.`;
  if (element.max_value !== undefined && Number(v) > Number(element.max_value)) return `Please enter ${element.max_value} or less.`;
  return '';
}
