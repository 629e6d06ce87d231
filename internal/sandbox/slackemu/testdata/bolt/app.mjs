// An app on Slack's own framework. It does everything once that the bot does,
// and reports: one JSON object per line on standard output. A line on standard
// input, {"id":1,"method":"chat.update","args":{…}}, is a call of its client;
// it ends when standard input does.
import { createInterface } from 'node:readline';
import bolt from '@slack/bolt';

const { SLACK_API_URL: slackApiUrl, SLACK_BOT_TOKEN: token, SLACK_APP_TOKEN: appToken } = process.env;
const app = new bolt.App({
  token, appToken, socketMode: true, logLevel: bolt.LogLevel.ERROR,
  clientOptions: { slackApiUrl, retryConfig: { retries: 0 }, rejectRateLimitedCalls: true },
});
const tell = (heard, o) => process.stdout.write(`${JSON.stringify({ heard, ...o })}\n`);
const whose = ({ teamId, enterpriseId, isEnterpriseInstall, userId, botId, botUserId }) => ({ teamId, enterpriseId, isEnterpriseInstall, userId, botId, botUserId });
const plain = (text) => ({ type: 'plain_text', text });
const form = {
  type: 'modal', callback_id: 'request', title: plain('Upgrade'), submit: plain('Send'), notify_on_close: true,
  blocks: [
    { type: 'input', block_id: 'db', dispatch_action: true, label: plain('Database'), element: { type: 'external_select', action_id: 'database', min_query_length: 0 } },
    { type: 'input', block_id: 'why', label: plain('Reason'), element: { type: 'plain_text_input', action_id: 'reason' } },
    { type: 'input', block_id: 'where', label: plain('Tell'), element: { type: 'conversations_select', action_id: 'where', default_to_current_conversation: true } },
  ],
};

app.command('/redis-upgrade', async ({ ack, body, client, context, respond }) => {
  await ack({ response_type: 'ephemeral', text: `one moment, ${body.text}` });
  const { view } = await client.views.open({ trigger_id: body.trigger_id, view: { ...form, title: plain('Loading…') } });
  const updated = await client.views.update({ view_id: view.id, hash: view.hash, view: form });
  await respond({ text: 'via the response url' });
  tell('command', { body, context: whose(context), view: updated.view });
});
app.options('database', async ({ ack, payload }) => {
  await ack({ options: [{ text: plain(`${payload.value}-prod`), value: '1' }] });
  tell('options', { payload });
});
app.view('request', async ({ ack, body, view }) => {
  const reason = view.state.values.why.reason.value;
  if (reason === 'short') await ack({ response_action: 'errors', errors: { why: 'say more' } });
  else if (reason === 'again') await ack({ response_action: 'update', view: form });
  else await ack();
  tell('view', { body });
});
app.view({ callback_id: 'request', type: 'view_closed' }, async ({ ack, body }) => {
  await ack();
  tell('closed', { body });
});
app.action(/.*/, async ({ ack, body, context, payload, respond }) => {
  await ack();
  if (payload.action_id === 'replace') await respond({ text: 'replaced', replace_original: true });
  tell('action', { body, context: whose(context), payload });
});
app.shortcut('revert_upgrade', async ({ ack, body, client, context }) => {
  await ack();
  await client.views.open({ trigger_id: body.trigger_id, view: form });
  tell('shortcut', { body, context: whose(context) });
});
app.event('app_mention', async ({ body, context, event, say }) => {
  const said = await say({ text: 'here', thread_ts: event.thread_ts ?? event.ts });
  tell('mention', { body, context: whose(context), event, said });
});
app.event('app_home_opened', async ({ client, event }) => {
  const { view } = await client.views.publish({ user_id: event.user, view: { type: 'home', blocks: [{ type: 'divider' }] } });
  tell('home', { event, view });
});
app.error(async (err) => tell('error', { message: String(err), stack: err.stack }));

await app.start();
tell('started', {});
for await (const line of createInterface({ input: process.stdin })) {
  const { id, method, args } = JSON.parse(line);
  app.client.apiCall(method, args).then(
    (answer) => tell(id, { answer }),
    (err) => tell(id, { error: err.data?.error ?? String(err), code: err.code, retryAfter: err.retryAfter, answer: err.data }),
  );
}
await app.stop();
