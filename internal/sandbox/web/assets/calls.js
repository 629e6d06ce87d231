// The "Calls" area, for developers: what the bot asked of Slack, and what Slack
// delivered to the bot.

import { h } from './dom.js';
import { slack } from './hooks.js';
import { stamp } from './dates.js';
import { errorSlot, grid, json, slotError, tabs, watch } from './panel.js';

const shown = 300; // newest lines

const verdict = (ok, text) => h('span', { class: `status ${ok ? 'good' : 'bad'}` }, text);

const callColumns = [
  { head: 'When', cell: (c) => stamp(c.at) },
  { head: 'Method', cell: (c) => json(c.method, c.args) },
  { head: 'Answer', cell: (c) => [verdict(c.ok, c.ok ? 'ok' : c.error || 'failed'), c.fault && h('small', null, ` by the fault ${c.fault}`)] },
];

const envelopeColumns = [
  { head: 'When', cell: (e) => stamp(e.at) },
  { head: 'Type', cell: (e) => [h('b', null, e.type), e.payload_type && e.payload_type !== e.type && h('small', null, ` ${e.payload_type}`)] },
  { head: 'Envelope', cell: (e) => h('code', null, e.id) },
  { head: 'Socket', cell: (e) => e.connection || '–', class: 'num' },
  { head: 'Acknowledged', cell: (e) => [e.acked ? verdict(!e.late, `${Number(e.ack_ms).toFixed(1)} ms`) : verdict(false, e.error || 'not yet'), e.problem && h('small', { class: 'bad' }, ` ${e.problem}`)] },
  { head: 'Attempt', cell: (e) => e.retry_attempt || '', class: 'num' },
];

// newest turns a list around and gives each line a key that it keeps while older
// ones fall off the end.
function newest(list, name) {
  const seen = new Map();
  return (list || []).map((x) => {
    const n = (seen.get(name(x)) || 0) + 1;
    seen.set(name(x), n);
    return { ...x, key: `${name(x)} ${n}` };
  }).reverse();
}

export function mount(area) {
  const error = errorSlot();
  const calls = grid(callColumns, { key: (c) => c.key, label: 'Calls', empty: 'The bot has not called Slack yet.', rowProps: (c) => ({ dataset: { testid: 'call', method: c.method } }) });
  const envelopes = grid(envelopeColumns, { key: (e) => e.key, label: 'Envelopes', empty: 'Nothing was delivered yet.', rowProps: (e) => ({ dataset: { testid: 'envelope', type: e.type } }) });
  const panes = [{ id: 'calls', label: 'Web API calls', node: calls.root }, { id: 'envelopes', label: 'Envelopes', node: envelopes.root }];
  let look = () => {};
  const bar = tabs('calls', panes, () => look(true));
  area.append(h('header', { class: 'room-head' }, h('h1', null, 'Calls'), h('span', { class: 'topic' }, 'between the bot and Slack, newest first')), bar.bar, error,
    h('div', { class: 'panel-body' }, panes.map((p) => p.node)));
  look = watch('calls', async () => {
    try {
      if (bar.current() === 'calls') calls.draw(newest(await slack.calls(shown), (c) => `${c.at} ${c.method}`));
      else envelopes.draw(newest(await slack.envelopes(shown), (e) => e.id));
      slotError(error, null);
    } catch (err) {
      slotError(error, err);
    }
  });
  return look;
}
