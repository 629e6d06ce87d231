// The chat area: channel, thread pane, the bot's Home tab, and modals on top.

import { app } from './app.js';
import { h, icon, keep, stable } from './dom.js';
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
  const title = h('h1');
  const members = h('span', { class: 'topic' });
  const channel = h('div', { class: 'channel', dataset: { testid: 'channel' } },
    h('header', { class: 'room-head' }, title, members), guide, welcome(), feed, main.root);
  const thread = threadPane();
  const home = homeRoom();
  const modals = modalLayer();
  area.append(h('div', { class: 'rooms' }, channel, home, thread.root), modals);

  return () => {
    const { id, messages = [] } = app.channel();
    channel.hidden = app.room === 'home';
    title.textContent = roomName(app.channel());
    main.label(`Message ${roomName(app.channel())}`);
    home.hidden = app.room !== 'home';
    members.textContent = `${people.list.length} people and @${people.bot.name}`;
    drawFeed(feed, rootItems(id, messages));
    main.sync();
    drawGuide(guide, main.type);
    thread.draw(id, messages);
    drawHome(home);
    drawModals(modals);
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
    h('p', null, 'You act as the person chosen on the left. Redis Cloud shows the databases and backup files, Bad days breaks things on purpose.'));
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
// also when its lines grow or the window shrinks.
function feedBox(label, testid) {
  const list = h('div', { class: 'lines' });
  const box = h('div', { class: 'feed', role: 'log', 'aria-label': label, tabindex: '0', dataset: { testid } }, list);
  box.list = list;
  box.atEnd = true;
  box.addEventListener('scroll', () => { box.atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 60; });
  const pin = new ResizeObserver(() => { if (box.atEnd) box.scrollTop = box.scrollHeight; });
  pin.observe(list);
  pin.observe(box);
  return box;
}

function drawFeed(feed, items) {
  if (feed.names !== people.version) { feed.list.replaceChildren(); feed.names = people.version; }
  keep(feed.list, items, {
    key: (i) => i.day || `${i.message.ts}${i.message.ephemeral_to || ''}`,
    sig: (i) => stable(i),
    draw: (i) => (i.day ? h('div', { class: 'day', role: 'separator' }, h('span', null, i.day)) : drawMessage(i)),
    update: (node, i) => { if (!i.day) updateMessage(node, i); },
  });
}

const roomName = (c) => (c.is_im ? c.name : `#${String(c.name).replace(/^#/, '')}`);

function threadPane() {
  const topic = h('span', { class: 'topic' });
  const feed = feedBox('Thread', 'thread-feed');
  const write = composer({ testid: 'thread-composer', label: 'Reply…', where: () => ({ channel: app.channel().id, thread: app.thread }) });
  const root = h('aside', { class: 'thread', 'aria-label': 'Thread', dataset: { testid: 'thread' } },
    h('header', { class: 'room-head' }, h('h2', null, 'Thread'), topic,
      h('button', {
        type: 'button', class: 'menu-button', 'aria-label': 'Close thread', title: 'Close thread',
        dataset: { testid: 'thread-close' }, on: { click: () => app.go({ thread: '' }) },
      }, icon('close'))),
    feed, write.root);
  let shown = '';

  function draw(channel, messages) {
    root.hidden = !app.thread;
    if (!app.thread) return;
    const mine = messages.filter((m) => m.ts === app.thread || m.thread_ts === app.thread);
    topic.textContent = roomName(app.channel());
    if (shown !== app.thread) { feed.list.replaceChildren(); feed.atEnd = true; }
    shown = app.thread;
    const items = mine.map((message) => ({ channel, message, inThread: true }));
    if (items.length > 1) items.splice(1, 0, { day: `${items.length - 1} ${items.length === 2 ? 'reply' : 'replies'}` });
    drawFeed(feed, items);
    write.sync();
  }
  return { root, draw };
}
