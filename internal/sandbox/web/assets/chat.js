// The chat area: channel, thread pane, the bot's Home tab, and modals on top.

import { app } from './app.js';
import { h, icon, fill, keep, stable } from './dom.js';
import { drawMessage, updateMessage } from './message.js';
import { composer } from './composer.js';
import { dayLine } from './dates.js';
import { drawGuide } from './guide.js';
import { drawHome, homeRoom } from './home.js';
import { drawModals, modalLayer } from './modal.js';
import { people } from './people.js';

// mount builds the area once and answers the function that redraws it.
export function mountChat(area) {
  const feed = feedBox('Messages', 'feed');
  const main = composer({ testid: 'composer', label: 'Message #redis-ops', where: () => ({ channel: app.channel().id, thread: '' }) });
  const guide = h('div', { class: 'guide', dataset: { testid: 'guide' } });
  const past = h('div', { class: 'past', hidden: true });
  const title = h('h1');
  const members = h('span', { class: 'topic' });
  const channel = h('div', { class: 'channel', dataset: { testid: 'channel' } },
    h('header', { class: 'room-head' }, title, members), guide, welcome(), past, feed, feed.foot, main.root);
  const thread = threadPane();
  const home = homeRoom();
  const modals = modalLayer();
  const rooms = h('div', { class: 'rooms' }, channel, home, thread.root);
  area.append(rooms, modals);

  return () => {
    const { id, messages = [], older = 0 } = app.channel();
    channel.hidden = app.room === 'home';
    title.textContent = roomName(app.channel());
    main.label(`Message ${roomName(app.channel())}`);
    home.hidden = app.room !== 'home';
    members.textContent = `${people.list.length} people and @${people.bot.name}`;
    past.hidden = !older;
    if (past.older !== older) fill(past, h('button', { type: 'button', class: 'button small', dataset: { testid: 'older' }, on: { click: () => app.older() } }, `Show more of ${older} older messages`));
    past.older = older;
    drawFeed(feed, id, rootItems(id, messages));
    main.sync();
    drawGuide(guide, main.type);
    thread.draw(id, messages);
    drawHome(home);
    drawModals(modals, rooms);
  };
}

// welcome fills a channel in which nothing was said yet; CSS shows it only then.
function welcome() {
  const steps = [
    ['Ann', 'asks: /redis-upgrade opens a form; pick cache-prod, a version, and say why.'],
    ['Bob or Carol', 'decides: a card appears here with Approve and Deny. Nobody approves their own request.'],
    ['The bot', 'backs up, upgrades, checks, and tells the story in the card’s thread.'],
    ['Dan', 'is on call: Revert… in the thread leads back, step by step.'],
  ];
  return h('div', { class: 'welcome' }, h('h2', null, 'Try the whole job here'),
    h('p', null, 'Slack and Redis Cloud are emulated, the bot is the real one. Nothing you do leaves this machine.'),
    h('ol', null, steps.map(([who, what]) => h('li', null, h('b', null, who), ` ${what}`))),
    h('p', null, 'You act as the person who is chosen in the list of names. Redis Cloud shows the databases and backup files, Bad days breaks things on purpose.'));
}

// rootItems lists what stands in the channel: days, roots with their counts,
// and private answers outside threads.
function rootItems(channel, messages) {
  const replies = new Map();
  for (const m of messages) {
    if (!isReply(m) || m.ephemeral_to) continue;
    const r = replies.get(m.thread_ts) || { count: 0, last: m.ts };
    replies.set(m.thread_ts, { count: r.count + 1, last: m.ts });
  }
  return withDays(messages.filter((m) => !isReply(m) || m.subtype === 'thread_broadcast')
    .map((message) => ({ channel, message, inThread: false, ...replies.get(message.ts) })));
}

const isReply = (m) => Boolean(m.thread_ts && m.thread_ts !== m.ts);

function withDays(items) {
  const out = [];
  let day = '';
  for (const item of items) {
    const d = dayLine(item.message.ts);
    if (d !== day) out.push({ day: day = d });
    out.push(item);
  }
  return out;
}

// feedBox is a scrolled list that stays at its end while the reader is there,
// also when its lines grow or the window shrinks. Only scrolling up leaves the
// end: a scroll event tells of the past, and more may have arrived since.
// Elsewhere a pill tells of new messages.
function feedBox(label, testid) {
  const list = h('div', { class: 'lines' });
  const box = h('div', { class: 'feed', role: 'log', 'aria-label': label, tabindex: '0', dataset: { testid } }, list);
  const pill = h('button', {
    type: 'button', class: 'pill', hidden: true, dataset: { testid: `${testid}-new` }, on: { click: () => settle(true) },
  }, icon('chevron'), 'New messages');
  let last = 0; // where it stood when this was last looked at

  // settle goes to the end if the reader is there or is taken there.
  function settle(go) {
    if (go) box.atEnd = true;
    if (box.atEnd) {
      box.scrollTop = box.scrollHeight;
      pill.hidden = true;
    }
    box.classList.toggle('at-end', box.atEnd);
    last = box.scrollTop;
  }
  box.addEventListener('scroll', () => {
    if (!box.clientHeight) return; // hidden
    if (box.scrollHeight - box.scrollTop - box.clientHeight < 60) box.atEnd = true;
    else if (box.scrollTop < last) box.atEnd = false;
    if (box.atEnd) pill.hidden = true;
    box.classList.toggle('at-end', box.atEnd);
    last = box.scrollTop;
  });
  const pin = new ResizeObserver(() => settle(false));
  pin.observe(list);
  pin.observe(box);
  return Object.assign(box, { list, pill, settle, atEnd: true, foot: h('div', { class: 'feed-foot' }, pill) });
}

const feedKey = (i) => i.day || `${i.message.ts}${i.message.ephemeral_to || ''}`;

// drawFeed brings a feed in line with its items; place is the room or thread.
// Before the state of a new person is known it leaves everything as it is.
function drawFeed(feed, place, items) {
  if (!app.state) return;
  if (feed.names !== people.version) { feed.list.replaceChildren(); feed.names = people.version; }
  if (feed.place !== place) feed.atEnd = true;
  // What somebody else may see is not news to this person.
  const known = feed.place === place && feed.reader === app.me ? feed.known : null;
  const news = known ? items.filter((i) => i.message && !known.has(feedKey(i))) : [];
  Object.assign(feed, { place, reader: app.me, known: new Set(items.map(feedKey)) });
  keep(feed.list, items, {
    key: feedKey,
    sig: (i) => stable(i),
    draw: (i) => (i.day ? h('div', { class: 'day', role: 'separator' }, h('span', null, i.day)) : drawMessage(i)),
    update: (node, i) => { if (!i.day) updateMessage(node, i); },
  });
  if (!feed.clientHeight) return; // hidden: it settles when it is shown
  const me = people.find(app.me)?.id;
  feed.settle(news.some((i) => i.message.user === me));
  if (news.length && !feed.atEnd) feed.pill.hidden = false;
}

const roomName = (c) => (c.is_im ? c.name : `#${String(c.name).replace(/^#/, '')}`);

function threadPane() {
  const topic = h('span', { class: 'topic' });
  const feed = feedBox('Thread', 'thread-feed');
  const write = composer({ testid: 'thread-composer', label: 'Reply…', where: () => ({ channel: app.channel().id, thread: app.thread }) });
  const root = h('aside', { class: 'thread', hidden: true, 'aria-label': 'Thread', dataset: { testid: 'thread' } },
    h('header', { class: 'room-head' }, h('h2', null, 'Thread'), topic,
      h('button', {
        type: 'button', class: 'menu-button', 'aria-label': 'Close thread', title: 'Close thread',
        dataset: { testid: 'thread-close' }, on: { click: () => app.go({ thread: '' }) },
      }, icon('close'))),
    feed, feed.foot, write.root);

  function draw(channel, messages) {
    root.hidden = !app.thread;
    if (!app.thread) return;
    const mine = messages.filter((m) => m.ts === app.thread || m.thread_ts === app.thread);
    topic.textContent = roomName(app.channel());
    if (feed.place !== app.thread) feed.list.replaceChildren();
    const items = mine.map((message) => ({ channel, message, inThread: true }));
    if (items.length > 1) items.splice(1, 0, { day: `${items.length - 1} ${items.length === 2 ? 'reply' : 'replies'}` });
    drawFeed(feed, app.thread, items);
    write.sync();
  }
  return { root, draw };
}
