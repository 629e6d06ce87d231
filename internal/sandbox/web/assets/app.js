// What the page knows: who you are, where you look, the last state fetched.
// Everything else is drawn from it.

import { cloud, slack } from './hooks.js';
import { typedInto } from './values.js';

const home = 'C0REDISOPS'; // where the bot posts its cards
const areas = ['chat', 'cloud', 'faults', 'cards', 'calls'];
const page = 200; // messages of a channel that are fetched at first
const listeners = new Set();
let running = false;
let again = false;

export const app = {
  me: 'ann', // the person you act as
  area: 'chat', // chat | cloud | faults | cards | calls
  room: '', // a channel's id; empty: the bot's channel; home: its Home tab
  thread: '', // ts of the open thread's root
  state: null, // last answer of the state hook
  trouble: '', // why the last fetch failed
  last: page, // how many of a channel's newest messages are fetched
  linked: false, // the event stream is open
  away: false, // the sandbox did not answer since the last state: it may be another one
  speed: 1,
  version: 0, // grows with every change that the event stream tells of
  faults: 0, // how many bad days are switched on
  complaint: '', // a refusal that belongs to no control

  channel() {
    const all = this.state?.channels || [];
    return all.find((c) => c.id === this.room) || all.find((c) => c.id === home || c.name === 'redis-ops') || all[0] || { id: home, name: 'redis-ops', messages: [] };
  },

  // on calls fn after every change of what the page knows.
  on(fn) {
    listeners.add(fn);
  },

  changed() {
    for (const fn of listeners) fn();
  },

  // go moves the page. Another place is a step that the browser's Back takes
  // back; being somebody else is none.
  go(next) {
    const before = [this.area, this.room, this.thread].join();
    Object.assign(this, next);
    const moved = [this.area, this.room, this.thread].join() !== before;
    history[moved ? 'pushState' : 'replaceState']('own', '', this.address());
    this.changed();
    if (next.thread) this.refresh(); // it may be older than what was fetched
  },

  address() {
    const where = new URLSearchParams({ area: this.area, as: this.me });
    if (this.room) where.set('room', this.room);
    if (this.thread) where.set('thread', this.thread);
    return `#${where}`;
  },

  // visit goes to one message and points at it.
  visit(channel, ts, thread) {
    this.go({ area: 'chat', room: channel, thread: thread || '' });
    const place = thread ? '[data-testid=thread]' : '[data-testid=channel]';
    const message = document.querySelector(`${place} [data-ts="${CSS.escape(ts)}"]`);
    if (!message) return;
    message.scrollIntoView({ block: 'start' });
    message.classList.add('pointed');
    setTimeout(() => message.classList.remove('pointed'), 1600);
  },

  // restore reads the address: at first, after Back, and when somebody edits it.
  restore() {
    const where = new URLSearchParams(location.hash.slice(1));
    this.area = areas.includes(where.get('area')) ? where.get('area') : 'chat';
    if (history.state !== 'own') this.me = where.get('as') || this.me;
    this.room = where.get('room') || '';
    this.thread = where.get('thread') || '';
    history.replaceState('own', '', this.address());
  },

  // older fetches more of the channel's past.
  older() {
    this.last *= 5;
    return this.refresh();
  },

  // mourn says which form is gone with a sandbox that was away, and what was
  // typed into it.
  mourn(before, now) {
    const open = new Set((now.modals || []).map((v) => v.id));
    const gone = (before?.modals || []).filter((v) => !open.has(v.id));
    if (!gone.length) return;
    const typed = gone.flatMap((v) => typedInto(v)).map((text) => `“${text}”`).join(', ');
    this.complaint = `The sandbox was away, and the open form is gone: “${gone[0].title?.text || 'a form'}”.${typed ? ` You had typed: ${typed}` : ''}`;
  },

  // countFaults asks both emulators what is switched on.
  async countFaults() {
    const lists = await Promise.allSettled([slack.faults(), cloud.faults()]);
    const on = lists.flatMap((l) => (Array.isArray(l.value) ? l.value : l.value?.faults || [])).filter((f) => f.times).length;
    if (on === this.faults) return;
    this.faults = on;
    this.changed();
  },

  // refresh fetches the state of the current person; calls while one is under
  // way cause exactly one more.
  async refresh() {
    if (running) { again = true; return; }
    running = true;
    do {
      again = false;
      const me = this.me;
      try {
        const state = await slack.state(me, this.last, this.thread);
        if (me === this.me) {
          if (this.away) this.mourn(this.state, state);
          this.state = state;
        } else again = true;
        this.trouble = '';
        this.away = false;
      } catch (err) {
        this.trouble = err.message;
        this.away = this.away || err.status === 0 || err.status === 503;
      }
      this.changed();
    } while (again);
    running = false;
  },
};
