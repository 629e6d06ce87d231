// Surfaces: what an interactive element stands on. A surface keeps the drafts
// of its inputs here, outside the DOM, so that no refresh can lose them.

import { app } from './app.js';
import { slack } from './hooks.js';

const drafts = new Map(); // surface id → Map(block/action → state)

function draftsOf(id) {
  if (!drafts.has(id)) drafts.set(id, new Map());
  return drafts.get(id);
}

const slot = (block, el) => `${block.block_id || ''}/${el.action_id || ''}`;

// forget drops what this person left in views that are no longer open.
export function forget(views) {
  const mine = `v:${app.me}:`;
  const alive = new Set(views.map((v) => mine + v.id));
  for (const id of drafts.keys()) if (id.startsWith(mine) && !alive.has(id)) drafts.delete(id);
}

function base(id, stored, where) {
  const mine = () => draftsOf(id);
  return {
    id,
    get: (block, el) => mine().get(slot(block, el)) ?? stored()?.[block.block_id]?.[el.action_id],
    set: (block, el, state) => mine().set(slot(block, el), state),
    drop: (block, el) => mine().delete(slot(block, el)),
    act: async (block, el, value) => {
      const answer = await slack.action({ ...where(), ...named(block, el), value });
      app.refresh();
      return answer;
    },
    options: async (block, el, query) => offered(await slack.options({ ...where(), ...named(block, el), query })),
  };
}

// named is how the hooks tell elements apart.
const named = (block, el) => ({ block_id: block.block_id || '', action_id: el.action_id });

// offered turns an answer of the options hook into option objects and groups.
function offered(answer) {
  if (answer?.sent && answer.acked === false) throw new Error(`The bot sent no options in time${answer.error ? ` (${answer.error})` : ''}.`);
  const out = { options: [], groups: [] };
  for (const o of answer?.options || []) {
    const option = { value: o.value, text: asText(o.text), description: o.description ? asText(o.description) : undefined };
    let group = o.group && out.groups.find((g) => g.label.text === o.group);
    if (o.group && !group) out.groups.push(group = { label: asText(o.group), options: [] });
    (group || out).options.push(option);
  }
  return out;
}

const asText = (t) => (typeof t === 'string' ? { type: 'plain_text', text: t } : t);

export function messageSurface(channel, message) {
  return base(`m:${channel}:${message.ts}`, () => message.state?.values, () => ({ user: app.me, channel, ts: message.ts }));
}

export function viewSurface(view) {
  return base(`v:${app.me}:${view.id}`, () => view.state?.values, () => ({ user: app.me, view_id: view.id }));
}

// stillSurface is for the gallery: everything can be tried, nothing is sent.
export function stillSurface(id) {
  return {
    ...base(`g:${id}`, () => null, () => ({})),
    act: async () => null,
    options: async (block, el, query) => ({
      options: ['cache-prod', 'orders-prod', 'search-prod'].filter((n) => n.includes(query))
        .map((n) => ({ value: n, text: { type: 'plain_text', text: n } })),
    }),
  };
}
