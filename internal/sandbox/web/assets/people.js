// Who is who in the sandbox. The hooks say; these constants stand in until
// they answer, so that the page is usable at once.

export const builtIn = [
  { id: 'U0ANN', name: 'ann', real_name: 'Ann', role: 'Engineer', does: 'asks for upgrades' },
  { id: 'U0BOB', name: 'bob', real_name: 'Bob', role: 'Approver', does: 'may approve and deny', groups: ['dba'] },
  { id: 'U0CAROL', name: 'carol', real_name: 'Carol', role: 'Approver', does: 'may approve and deny', groups: ['dba'] },
  { id: 'U0DAN', name: 'dan', real_name: 'Dan', role: 'On call', does: 'reverts, settles, breaks glass', groups: ['oncall'] },
  { id: 'U0EVE', name: 'eve', real_name: 'Eve', role: 'No group', does: 'is in the channel, may ask' },
  { id: 'U0GUEST', name: 'guest', real_name: 'Guest', role: 'Guest', does: 'may only watch' },
];

const slackbot = { id: 'USLACKBOT', name: 'slackbot', real_name: 'Slackbot' };
const bot = { id: 'UBOT', bot_id: 'B0REDISUP', name: 'redis-upgrade' };

// people is the directory: filled once, asked by everything that draws names.
export const people = {
  list: builtIn,
  channels: [{ id: 'C0REDISOPS', name: 'redis-ops' }],
  groups: [{ id: 'S0DBA', handle: 'dba' }, { id: 'S0ONCALL', handle: 'oncall' }],
  version: 0, // grows whenever names may have changed
  bot,
  command: '/redis-upgrade',
  hint: '',
  about: '',
  shortcuts: ['revert_upgrade'],
  shortcutNames: {},

  load(data) {
    if (!data) return;
    this.version++;
    if (Array.isArray(data.people) && data.people.length) this.list = data.people.map(known);
    if (Array.isArray(data.channels) && data.channels.length) this.channels = data.channels;
    if (Array.isArray(data.groups)) this.groups = data.groups;
    if (data.bot && data.bot.id) this.bot = { ...bot, ...data.bot };
    if (data.command) this.command = data.command;
    this.hint = data.command_hint || '';
    this.about = data.command_text || '';
    if (Array.isArray(data.shortcuts)) this.shortcuts = data.shortcuts;
    this.shortcutNames = data.shortcut_names || {};
  },

  find(id) {
    return this.list.find((p) => p.id === id || p.name === id) || (id === slackbot.id ? slackbot : undefined);
  },

  isBot(id) {
    return id === this.bot.id || id === this.bot.bot_id || id === this.bot.name;
  },

  name(id) {
    if (this.isBot(id)) return this.bot.name;
    const p = this.find(id);
    return p ? p.real_name || p.name : id;
  },

  channelName(id) {
    const c = this.channels.find((x) => x.id === id);
    return c ? c.name : id;
  },

  groupName(id) {
    const g = this.groups.find((x) => x.id === id);
    return g ? g.handle || g.name : id;
  },

  // encode makes of typed text what a client sends: markup becomes text, so that
  // "<!channel>" calls nobody, and @names become mentions.
  encode(text) {
    const plain = text.replace(/[&<>]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[c]);
    return plain.replace(/@([a-z0-9][a-z0-9._-]*)/gi, (all, name) => {
      const lower = name.toLowerCase();
      if (lower === this.bot.name.toLowerCase()) return `<@${this.bot.id}>`;
      const p = this.list.find((x) => x.name.toLowerCase() === lower);
      return p ? `<@${p.id}>` : all;
    });
  },
};

// known adds what the page says about a built-in person's part in the story.
function known(p) {
  const base = builtIn.find((b) => b.id === p.id || b.name === p.name) || {};
  return { ...base, ...p, role: base.role || p.title || '', does: base.does || p.title || '' };
}
