// :shortcodes: → pictures. Names that carry meaning in a bot's cards are drawn
// from icons.svg, so that they look alike on every machine; the rest are
// Unicode and take the system's font. A name that Slack does not have stays text,
// as it would there.

import { h, icon } from './dom.js';

const drawn = new Set(`white_check_mark heavy_check_mark ballot_box_with_check x heavy_multiplication_x warning
  no_entry no_entry_sign octagonal_sign rotating_light information_source question grey_question exclamation
  red_circle large_orange_circle large_yellow_circle large_green_circle large_blue_circle large_purple_circle
  white_circle black_circle hourglass hourglass_flowing_sand arrows_counterclockwise package lock unlock
  rocket mag floppy_disk wastebasket hammer_and_wrench wrench inbox_tray outbox_tray clock3 eyes thumbsup thumbsdown
  bell shield point_right point_left rewind leftwards_arrow_with_hook memo link double_vertical_bar arrow_forward
  arrow_up arrow_down arrow_right arrow_left file_cabinet calendar busts_in_silhouette bust_in_silhouette speech_balloon
  fire fast_forward pencil2 key zap bulb tada robot_face`.split(/\s+/));

const same = {
  '+1': 'thumbsup', '-1': 'thumbsdown', alarm_clock: 'clock3', clock1: 'clock3', clock9: 'clock3', clock12: 'clock3',
  stopwatch: 'clock3', timer_clock: 'clock3', recycle: 'arrows_counterclockwise', repeat: 'arrows_counterclockwise',
  white_large_square: 'white_circle',
  closed_lock_with_key: 'lock', old_key: 'key', pencil: 'memo', no_bell: 'bell',
  back: 'leftwards_arrow_with_hook', mag_right: 'mag', hammer: 'hammer_and_wrench',
  negative_squared_cross_mark: 'x', date: 'calendar',
  grey_exclamation: 'exclamation', heavy_exclamation_mark: 'exclamation', gear: 'wrench', card_file_box: 'file_cabinet',
  shrug: 'question', page_facing_up: 'memo', scroll: 'memo', clipboard: 'memo', dart: 'point_right',
};

const unicode = {
  smile: '😄', slightly_smiling_face: '🙂', wave: '👋', raised_hands: '🙌', pray: '🙏', ok_hand: '👌', thinking_face: '🤔',
  heart: '❤️', star: '⭐', sparkles: '✨', boom: '💥', bug: '🐛', chart_with_upwards_trend: '📈', bar_chart: '📊',
  white_square_button: '🔳', small_red_triangle: '🔺', small_blue_diamond: '🔹', hand: '✋', raised_hand: '✋',
  one: '1️⃣', two: '2️⃣', three: '3️⃣', four: '4️⃣', five: '5️⃣', ok: '🆗', new: '🆕', sos: '🆘', snail: '🐌', construction: '🚧',
  cop: '👮', books: '📚', book: '📖', bookmark: '🔖', pushpin: '📌', paperclip: '📎', mailbox: '📫',
  email: '✉️', satellite: '📡', electric_plug: '🔌', computer: '💻', moneybag: '💰', earth_americas: '🌎',
};

// emoji answers the picture of a shortcode, or null for an unknown name.
export function emoji(name) {
  const base = name.replace(/::?skin-tone-\d$/, '');
  const known = same[base] || base;
  if (drawn.has(known)) {
    const svg = icon(known, `:${base}:`);
    svg.classList.add('emoji');
    return svg;
  }
  if (unicode[known]) return h('span', { class: 'emoji-text', role: 'img', 'aria-label': `:${base}:` }, unicode[known]);
  return null;
}
