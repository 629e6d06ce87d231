// The sandbox's page: wiring.
//
// What tests may hold on to (stable):
//   [data-testid=area-chat|area-cloud|area-faults|area-cards|area-calls]  areas
//   [data-testid=person-ann|-bob|-carol|-dan|-eve|-guest]  the person you act as
//   [data-testid=room-redis-ops] [data-testid=room-home]   rooms
//   [data-testid=channel]  [data-testid=composer] [data-testid=send] [data-testid=composer-error]
//   [data-testid=message][data-ts=…]   a message; also data-user, data-ephemeral
//   [data-testid=open-thread][data-ts=…]   a root's "n replies"; [data-testid=reply-in-thread] without replies
//   [data-testid=message-menu] → [data-testid=shortcut-revert_upgrade]
//   [data-testid=thread] [data-testid=thread-composer] [data-testid=thread-send] [data-testid=thread-close]
//   [data-testid=modal][data-view-id][data-callback-id]   the top modal; modal-below those under it
//   [data-testid=modal-submit] [data-testid=modal-close] [data-testid=modal-dismiss] [data-testid=modal-error]
//   [data-testid=block-error][data-block-id=…]   an input's error
//   [data-testid=confirm] [data-testid=confirm-ok] [data-testid=confirm-deny]
//   [data-testid=feed-new] [data-testid=thread-feed-new]   what tells of new messages below
//   [data-testid=home]  [data-testid=guide] [data-testid=guide-type]  [data-testid=faults-on]   how many bad days are on
//   every control: data-action-id, data-block-id, data-testid=<element type>; buttons also data-value;
//   radio buttons and checkboxes one input per option, with data-value;
//   selects: the input, after a click on it [data-testid=option][data-value=…] in the open list;
//   overflow: after a click [data-testid=overflow-option][data-value=…];
//   [data-testid=missed]   the mark beside an element that was not acknowledged or was refused
//   cloud: [data-testid=database][data-id=…], backup-uri, ledger-row, console-run; faults: [data-testid=fault][data-fault=…]

import { app } from './app.js';
import { h, icon, fill } from './dom.js';
import { clockNow, slack } from './hooks.js';
import { setNow } from './dates.js';
import { people } from './people.js';
import { mountChat } from './chat.js';
import { drawSide } from './side.js';

const areas = {};
for (const node of document.querySelectorAll('.area')) areas[node.id.replace('area-', '')] = node;
const drawChat = mountChat(areas.chat);
const lazy = { cloud: './cloud.js', faults: './faults.js', cards: './cards.js', calls: './calls.js' };
const mounted = {};
let shownAs = app.me;

function draw() {
  for (const [name, node] of Object.entries(areas)) node.hidden = name !== app.area;
  if (shownAs !== app.me) {
    shownAs = app.me;
    app.state = null;
    app.refresh();
  }
  drawSide(document.getElementById('side'));
  drawNotice(document.getElementById('notice'));
  drawChat();
  drawPanel(app.area);
}

// drawPanel loads an area's module when it is first looked at; each exports
// mount(node), which answers the function that redraws it.
async function drawPanel(name) {
  if (!lazy[name]) return;
  mounted[name] = mounted[name] || import(lazy[name]).then((m) => m.mount(areas[name]));
  (await mounted[name])();
}

function drawNotice(box) {
  const text = app.complaint || app.trouble;
  box.hidden = !text;
  if (box.drawn === text) return;
  box.drawn = text;
  fill(box, text && [icon('warning'), h('span', null, text), h('button', {
    type: 'button', class: 'plain', 'aria-label': 'Dismiss', on: { click: () => { app.complaint = ''; app.trouble = ''; app.changed(); } },
  }, icon('close'))]);
}

async function loadPeople() {
  try {
    people.load(await slack.people());
    app.changed();
  } catch { /* the built-in people stand in */ }
}

// loadClock asks what time it is in the sandbox; without an answer it is now.
async function loadClock() {
  try {
    const { now } = await clockNow();
    if (now) setNow(now);
  } catch { /* an older sandbox: its clock cannot jump */ }
}

// hear takes in one event of the stream.
function hear(type, data) {
  if (type === 'error') {
    app.linked = false;
    app.away = true;
    app.changed();
    return;
  }
  try { app.speed = JSON.parse(data).speed || app.speed; } catch { /* keep the last */ }
  app.linked = true;
  if (type === 'state') app.version++;
  else loadClock();
  app.refresh();
  app.countFaults();
}

// follow listens for changes. All tabs of the browser share one stream, because a
// browser opens six connections to a host and everything else would wait for a
// seventh: the tab that holds the lock has the stream and tells the others.
function follow() {
  const tabs = new BroadcastChannel('sandbox-events');
  let leads = false;
  tabs.onmessage = ({ data }) => {
    if (data.type !== 'hello') hear(data.type, data.data);
    else if (leads && app.linked) tabs.postMessage({ type: 'state', data: JSON.stringify({ speed: app.speed }) });
  };
  const lead = () => new Promise(() => { // the lock ends with the tab
    leads = true;
    const source = new EventSource('/events');
    for (const type of ['state', 'beat', 'error']) {
      source.addEventListener(type, ({ data }) => { hear(type, data); tabs.postMessage({ type, data }); });
    }
  });
  tabs.postMessage({ type: 'hello' });
  navigator.locks.request('sandbox-events', lead);
}

app.restore();
addEventListener('popstate', () => { app.restore(); app.changed(); app.refresh(); });
shownAs = app.me;
app.on(draw);
draw();
// Names first, so that the first messages are drawn with them.
Promise.all([loadPeople(), loadClock()]).then(() => { app.refresh(); app.countFaults(); follow(); });
// When the bot is still starting, hooks refuse: ask again until they answer.
setInterval(() => {
  if (!app.trouble) return;
  if (!people.version) loadPeople();
  app.refresh();
}, 1000);
