// Dates as Slack writes them (<!date^…> tokens), in the zone of this browser.

const day = 86400000;

// The sandbox's clock may run ahead of this browser's, after a jump.
let ahead = 0; // ms
export function setNow(iso) {
  const by = new Date(iso).getTime() - Date.now();
  ahead = Math.abs(by) > 2000 ? by : 0;
}
const now = () => Date.now() + ahead;


function startOfDay(d) {
  return new Date(d.getFullYear(), d.getMonth(), d.getDate()).getTime();
}

// pretty answers "today", "yesterday", "tomorrow" or the fallback.
function pretty(date, otherwise) {
  const days = Math.round((startOfDay(date) - startOfDay(new Date(now()))) / day);
  if (days === 0) return 'today';
  if (days === 1) return 'tomorrow';
  if (days === -1) return 'yesterday';
  return otherwise;
}

const fmt = (options) => (d) => new Intl.DateTimeFormat('en-US', options).format(d);
const num = (d) => `${d.getFullYear()}-${String(d.getMonth() + 1).padStart(2, '0')}-${String(d.getDate()).padStart(2, '0')}`;
const plain = fmt({ month: 'long', day: 'numeric', year: 'numeric' });
const short = fmt({ month: 'short', day: 'numeric', year: 'numeric' });
const long = fmt({ weekday: 'long', month: 'long', day: 'numeric', year: 'numeric' });
const time = fmt({ hour: 'numeric', minute: '2-digit' });
const secs = fmt({ hour: 'numeric', minute: '2-digit', second: '2-digit' });

function ago(d) {
  const s = Math.round((now() - d.getTime()) / 1000);
  const n = Math.abs(s);
  const [v, unit] = n < 60 ? [n, 'second'] : n < 3600 ? [Math.round(n / 60), 'minute'] :
    n < 86400 ? [Math.round(n / 3600), 'hour'] : [Math.round(n / 86400), 'day'];
  const words = `${v} ${unit}${v === 1 ? '' : 's'}`;
  return s >= 0 ? `${words} ago` : `in ${words}`;
}

const tokens = {
  date_num: num,
  date: plain,
  date_slash: fmt({ month: '2-digit', day: '2-digit', year: 'numeric' }),
  date_short: short,
  date_long: long,
  date_pretty: (d) => pretty(d, plain(d)),
  date_short_pretty: (d) => pretty(d, short(d)),
  date_long_pretty: (d) => pretty(d, long(d)),
  day_divider_pretty: (d) => pretty(d, long(d)),
  time,
  time_secs: secs,
  ago,
};

export const capital = (text) => text.replace(/^[a-z]/, (c) => c.toUpperCase());

// slackDate fills a format such as "{date_short_pretty} at {time}"; null when
// the stamp or the format is unusable, so that the caller shows the fallback.
export function slackDate(epoch, format) {
  const d = new Date(Number(epoch) * 1000);
  if (!/^\d+$/.test(String(epoch)) || Number.isNaN(d.getTime())) return null;
  let known = true;
  const text = format.replace(/\{(\w+)\}/g, (all, name) => {
    if (tokens[name]) return tokens[name](d);
    known = false;
    return all;
  });
  return known ? text : null;
}

export const tsDate = (ts) => new Date(Number(String(ts).split('.')[0]) * 1000);
export const clockTime = (ts) => time(tsDate(ts));
export const fullTime = (ts) => `${long(tsDate(ts))} at ${secs(tsDate(ts))}`;
export const dayLine = (ts) => capital(tokens.day_divider_pretty(tsDate(ts)));
export const since = (iso) => {
  const d = new Date(iso);
  return Number.isNaN(d.getTime()) || d.getTime() <= 0 ? '' : ago(d);
};
export const stamp = (iso) => {
  const d = new Date(iso);
  return Number.isNaN(d.getTime()) || d.getTime() <= 0 ? '–' : `${num(d)} ${new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' }).format(d)}`;
};
