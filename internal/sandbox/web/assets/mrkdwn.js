// mrkdwn → DOM nodes. Text goes into text nodes only; links keep http, https
// and mailto addresses, anything else stays visible as text.

import { app } from './app.js';
import { h } from './dom.js';
import { emoji } from './emoji.js';
import { capital, slackDate } from './dates.js';
import { people } from './people.js';

const entity = { '&lt;': '<', '&gt;': '>', '&amp;': '&' };
export const decode = (s) => s.replace(/&(?:lt|gt|amp);/g, (e) => entity[e]);

// safeHref answers the address if a browser may open it, else null.
export function safeHref(raw) {
  let url;
  try { url = new URL(raw); } catch { return null; }
  return ['http:', 'https:', 'mailto:'].includes(url.protocol) ? url.href : null;
}

// permalink answers {channel, ts, thread} of a link to a message of this
// sandbox, or null. https://docs.slack.dev/reference/methods/chat.getPermalink
function permalink(href) {
  const url = new URL(href);
  const m = url.origin === location.origin && /^\/archives\/(\w+)\/p(\d+)(\d{6})$/.exec(url.pathname);
  return m && { channel: m[1], ts: `${m[2]}.${m[3]}`, thread: url.searchParams.get('thread_ts') };
}

export function anchor(raw, ...label) {
  const href = safeHref(raw);
  const to = href && permalink(href);
  if (to) {
    const visit = (e) => { e.preventDefault(); app.visit(to.channel, to.ts, to.thread); };
    return h('a', { href, on: { click: visit } }, label.length ? label : raw);
  }
  if (!href) return h('span', { class: 'dead-link', title: 'Link refused: only http, https and mailto' }, label.length ? label : raw);
  return h('a', { href, target: '_blank', rel: 'noopener noreferrer' }, label.length ? label : raw);
}

export const userMention = (id, label) => h('span', { class: 'mention', dataset: { user: id } }, `@${label || people.name(id)}`);
export const channelMention = (id, label) => h('span', { class: 'mention' }, `#${label || people.channelName(id)}`);
export const groupMention = (id, label) => h('span', { class: 'mention' }, `@${(label || people.groupName(id)).replace(/^@/, '')}`);

// special draws what stands between < and >.
function special(body, opens) {
  const bar = body.indexOf('|');
  const target = bar < 0 ? body : body.slice(0, bar);
  const label = bar < 0 ? '' : decode(body.slice(bar + 1));
  if (/^@[UWB]\w*$/.test(target)) return userMention(target.slice(1), label.replace(/^@/, ''));
  if (/^#[CG]\w*$/.test(target)) return channelMention(target.slice(1), label.replace(/^#/, ''));
  if (target.startsWith('!subteam^')) return groupMention(target.slice(9), label);
  if (target.startsWith('!date^')) return dateToken(target.slice(6), label, opens);
  if (target.startsWith('!')) return h('span', { class: 'mention' }, `@${label || target.slice(1)}`);
  return anchor(decode(target), label || decode(target));
}

// dateToken begins with a capital where it opens a line: "Today at …".
function dateToken(body, fallback, opens) {
  const [epoch, format, link] = body.split('^');
  const said = slackDate(epoch, decode(format || ''));
  const text = said ? (opens ? capital(said) : said) : fallback;
  return link ? anchor(decode(link), text) : h('time', { title: fallback || null }, text);
}

const marks = { '*': 'strong', _: 'em', '~': 's' };
const closing = Object.fromEntries(['\\*', '_', '~'].map((m) => [m.at(-1),
  new RegExp(`^${m}(?=\\S)([^\\n]*?[^\\s${m}])${m}(?![\\p{L}\\p{N}${m}])`, 'u')]));
const wordy = /[\p{L}\p{N}]/u;

// inline draws one run of text without line structure.
function inline(text) {
  const out = [];
  let plain = '';
  const flush = () => {
    if (plain) out.push(decode(plain));
    plain = '';
  };
  let i = 0;
  while (i < text.length) {
    const hit = token(text, i);
    if (hit) {
      flush();
      out.push(hit.node);
      i = hit.end;
    } else plain += text[i++];
  }
  flush();
  return out;
}

// token recognises what starts at i, or answers null.
function token(text, i) {
  const rest = text.slice(i);
  const before = i === 0 ? '' : text[i - 1];
  let m;
  switch (text[i]) {
    case '`':
      m = /^`([^`\n]+)`/.exec(rest);
      return m && { node: h('code', null, inCode(m[1])), end: i + m[0].length };
    case '<':
      m = /^<([^<>\n]+)>/.exec(rest);
      return m && { node: special(m[1], /(^|\n)\W*$/.test(text.slice(0, i))), end: i + m[0].length };
    case ':': {
      m = /^:([a-z0-9_+'-]+(?:::skin-tone-\d)?):/.exec(rest);
      const node = m && emoji(m[1]);
      return node && { node, end: i + m[0].length };
    }
    case 'h':
      m = wordy.test(before) ? null : /^https?:\/\/[^\s<>|"*`]*[^\s<>|"*`.,;:!?)\]_~]/.exec(rest);
      return m && { node: anchor(decode(m[0]), decode(m[0])), end: i + m[0].length };
    default:
      return marks[text[i]] ? styled(text, i, before, rest) : null;
  }
}

function styled(text, i, before, rest) {
  const mark = text[i];
  if (wordy.test(before) || before === mark) return null;
  const close = closing[mark].exec(rest);
  return close && { node: h(marks[mark], null, inline(close[1])), end: i + close[0].length };
}

// inCode shows links as their text: code is literal but Slack still hides <>.
function inCode(text) {
  return decode(text.replace(/<([^<>|\n]+)(?:\|([^<>\n]+))?>/g, (all, target, label) => label || target));
}

// mrkdwn draws a whole text: fences, quotes, lines.
export function mrkdwn(text) {
  const out = [];
  const parts = String(text ?? '').split(/```\n?([\s\S]*?)\n?```/);
  parts.forEach((part, n) => {
    if (n % 2 === 1) out.push(h('pre', null, inCode(part)));
    else out.push(...lines(n > 0 ? part.replace(/^\n/, '') : part));
  });
  return out;
}

function lines(text) {
  const out = [];
  let quote = null;
  let run = [];
  const flush = () => {
    if (run.length) out.push(h('span', { class: 'run' }, inline(run.join('\n'))));
    run = [];
  };
  for (const line of text.split('\n')) {
    const m = /^(?:&gt;|>) ?(.*)$/s.exec(line);
    if (m) {
      flush();
      if (!quote) out.push(quote = h('blockquote', null));
      else quote.append('\n');
      quote.append(...inline(m[1]));
    } else {
      quote = null;
      run.push(line);
    }
  }
  flush();
  return out.length ? out : [''];
}

// plainText draws a plain_text object: emoji only.
export function plainText(text, withEmoji = true) {
  if (!withEmoji) return [decode(String(text ?? ''))];
  return String(text ?? '').split(/(:[a-z0-9_+'-]+(?:::skin-tone-\d)?:)/).map((part) => {
    const m = /^:(.+):$/.exec(part);
    return (m && emoji(m[1])) || decode(part);
  });
}

// textObject draws either kind of text object, or a bare string.
export function textObject(t) {
  if (t === null || t === undefined) return [];
  if (typeof t === 'string') return plainText(t);
  return t.type === 'mrkdwn' ? mrkdwn(t.text) : plainText(t.text, t.emoji !== false);
}

// words answers a text object as plain words, for titles and ARIA labels.
export function words(t) {
  const box = h('span', null, textObject(t));
  for (const pic of box.querySelectorAll('[role=img]')) pic.replaceWith('');
  return box.textContent.trim();
}
