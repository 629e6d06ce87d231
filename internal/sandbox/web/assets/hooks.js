// The sandbox's hooks (docs/sandbox.md), one function each. Everything the
// page does or shows comes through here.

// HookError is a refusal by a hook, in words for the person at the page.
export class HookError extends Error {
  constructor(status, text) {
    super(text);
    this.status = status;
  }
}

const patience = 30000; // ms; the slowest hook waits three seconds for the bot

async function call(method, path, body) {
  let res;
  let text;
  try {
    res = await fetch(path, {
      method,
      headers: body === undefined ? {} : { 'Content-Type': 'application/json' },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.timeout(patience),
    });
    text = await res.text();
  } catch (err) {
    if (err.name === 'TimeoutError') throw new HookError(0, `The sandbox did not answer within ${patience / 1000} seconds.`);
    throw new HookError(0, 'The sandbox does not answer. Is it still running?');
  }
  let data = null;
  try { data = text ? JSON.parse(text) : null; } catch { /* not JSON: the text is the message */ }
  if (res.ok) return data;
  throw new HookError(res.status, refusal(res, data, text));
}

function refusal(res, data, text) {
  if (data && typeof data.error === 'string' && data.error) return data.error;
  if (data && data.error && data.error.message) return data.error.message;
  if (res.status === 503) return 'The bot is still starting.';
  if (res.status === 404 && !data) return 'This sandbox has no such hook.';
  return text.trim().slice(0, 300) || `${res.status} ${res.statusText}`;
}

const get = (path) => call('GET', path);
const post = (path, body) => call('POST', path, body);
const q = encodeURIComponent;

export const slack = {
  state: (user, last, thread) => get(`/hooks/slack/state?user=${q(user)}&last=${last}&thread=${q(thread)}`),
  people: () => get('/hooks/slack/people'),
  command: (user, channel, text) => post('/hooks/slack/command', { user, channel, text }),
  message: (user, channel, text, thread) => post('/hooks/slack/message', { user, channel, text, thread_ts: thread || '' }),
  mention: (user, channel, text, thread) => post('/hooks/slack/mention', { user, channel, thread_ts: thread || '', text }),
  action: (body) => post('/hooks/slack/action', body),
  options: (body) => post('/hooks/slack/options', body),
  submit: (user, view, values) => post('/hooks/slack/submit', { user, view_id: view, values }),
  close: (user, view, all) => post('/hooks/slack/close', { user, view_id: view, all }),
  home: (user) => post('/hooks/slack/home', { user }),
  calls: (last) => get(`/hooks/slack/calls?last=${last}`),
  envelopes: (last) => get(`/hooks/slack/envelopes?last=${last}`),
  disconnect: (reason) => post('/hooks/slack/disconnect', { reason }),
  admin: (what, body) => post(`/hooks/slack/${what}`, body),
  faults: () => get('/hooks/slack/faults'),
  fault: (body) => post('/hooks/slack/faults', body),
};

export const cloud = {
  databases: () => get('/hooks/cloud/databases'),
  backups: () => get('/hooks/cloud/backups'),
  ledger: () => get('/hooks/cloud/ledger'),
  applications: () => get('/hooks/cloud/applications'),
  keys: (id) => get(`/hooks/cloud/keys?id=${q(id)}`),
  set: (id, set) => post('/hooks/cloud/database', { id, set }),
  faults: () => get('/hooks/cloud/faults'),
  fault: (body) => post('/hooks/cloud/faults', body),
};

export const clock = (body) => post('/hooks/clock', body);
export const clockNow = () => get('/hooks/clock');

export async function gallery() {
  return (await get('/assets/gallery.json')) || [];
}
