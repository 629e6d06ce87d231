// The hint above the messages: what to do next, for somebody who has never
// seen the bot. It reads the cards' metadata and never invents a state.

import { app } from './app.js';
import { h, icon, fill, stable } from './dom.js';
import { people } from './people.js';

const closedKey = 'sandbox.guide.closed';

// latest answers what the newest card says about itself, revert cards in
// threads included: {ts, kind, database, state, revertible}, ts being the
// thread's root and revertible whether the card offers the way back; null
// without a card.
function latest(messages) {
  const cards = messages.filter((m) => m.metadata?.event_type === 'redis_upgrade' && !m.ephemeral_to);
  const last = cards.reduce((a, b) => (a && Number(a.ts) > Number(b.ts) ? a : b), null);
  const revertible = Boolean(last?.blocks?.some((b) => b.elements?.some((e) => e.action_id === 'revert')));
  return last ? { ...last.metadata.event_payload, ts: last.thread_ts || last.ts, revertible } : null;
}

const approvers = ['bob', 'carol'];
const deciders = [...approvers, 'dan']; // of a deletion: on-call counts as one of the two
const over = ['done', 'denied', 'expired', 'cancelled', 'reverted'];

// step answers {text, buttons} for this person and this card.
function step(me, card, type) {
  const name = people.name(me);
  const start = { label: 'Type /redis-upgrade for me', testid: 'guide-type', run: () => type('/redis-upgrade ') };
  const become = (who) => who !== me && { label: `Become ${people.name(who)}`, testid: `guide-${who}`, run: () => app.go({ me: who }) };
  const open = card && app.thread !== card.ts && { label: 'Open its thread', testid: 'guide-thread', run: () => app.go({ thread: card.ts }) };
  if (!card) {
    return me === 'guest' || me === 'eve'
      ? { text: `You are ${name}. Start as Ann, the engineer who asks for an upgrade.`, buttons: [become('ann')] }
      : { text: `You are ${name}. Type /redis-upgrade, press Enter, and plan an upgrade: pick a database such as cache-prod, a version, and say why.`, buttons: [start] };
  }
  if (card.kind === 'revert') return revertStep(me, card, { start, become, open });
  switch (card.state) {
    case 'proposed':
      return approvers.includes(me)
        ? { text: `You are ${name}, an approver. Read the card below and click Approve or Deny.`, buttons: [open] }
        : { text: 'Four eyes: nobody approves their own upgrade. Become an approver and decide on the card.', buttons: approvers.map(become) };
    case 'soaking':
      return {
        text: me === 'dan' ? 'Upgraded, and monitored for a while. You are on call: Revert… on the card starts a revert.' : 'Upgraded, and monitored for a while. To revert it, become Dan, who is on call, and press Revert….',
        buttons: [become('dan'), open],
      };
    case 'done':
      if (!card.revertible) return atWork(card, { start, open });
      return {
        text: me === 'dan' ? 'Done. Now take it back: you are Dan (on-call), click Revert… on the card.' : 'Done. Now take it back: as Dan (on-call) click Revert… on the card.',
        buttons: [become('dan'), open, start],
      };
    case 'failed': case 'blocked':
      return { text: 'The bot stopped and says why in the thread.', buttons: [open, start] };
    default:
      return atWork(card, { start, open });
  }
}

function revertStep(me, card, { start, become, open }) {
  if (card.state === 'proposed') {
    return deciders.includes(me)
      ? { text: `You are ${people.name(me)}. The revert deletes and rebuilds the database: read its card in the thread, then approve the deletion or deny it. Two people decide, and Dan (on-call) counts as one of the two.`, buttons: [open, ...deciders.map(become)] }
      : { text: 'A deletion is decided by two people: approvers, and Dan (on-call) counts as one of the two. Become one after the other and decide on the revert’s card, in the thread.', buttons: [...deciders.map(become), open] };
  }
  if (card.state === 'done') {
    return { text: 'Back on the old version, from the backup. Compare keys and digest under Redis Cloud: they are those of the backup.', buttons: [open, start] };
  }
  if (card.state === 'failed' || card.state === 'blocked') {
    return { text: `The revert ${card.state === 'failed' ? 'failed' : 'stopped'}. Its card in the thread says what to do.`, buttons: [open] };
  }
  return atWork(card, { start, open });
}

function atWork(card, { start, open }) {
  return over.includes(card.state)
    ? { text: `That one is over (${card.state}). Start another, or look at Redis Cloud and Bad days on the left.`, buttons: [start, open] }
    : { text: `The bot is at work. Follow it in the thread, or watch the database under Redis Cloud.`, buttons: [open] };
}

export function drawGuide(box, type) {
  const closed = sessionStorage.getItem(closedKey) === 'yes';
  box.hidden = closed || !app.state;
  if (box.hidden) return;
  const card = latest(app.channel().messages || []);
  const now = stable([app.me, people.name(app.me), card, app.thread]);
  if (box.drawn === now) return;
  box.drawn = now;
  const { text, buttons } = step(app.me, card, type);
  fill(box, icon('bulb'), h('span', { class: 'guide-text', dataset: { testid: 'guide-text' } }, text),
    buttons.filter(Boolean).map((b) => h('button', { type: 'button', class: 'button small', dataset: { testid: b.testid }, on: { click: b.run } }, b.label)),
    h('button', {
      type: 'button', class: 'menu-button', 'aria-label': 'Hide hints', title: 'Hide hints', dataset: { testid: 'guide-close' },
      on: { click: () => { sessionStorage.setItem(closedKey, 'yes'); app.changed(); } },
    }, icon('close')));
}
