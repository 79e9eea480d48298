/** The bounds of every wait and repeat in the pages. */

/** Exchanging the link's secret for a token. */
export const JOIN_TIMEOUT_MS = 10_000;
/** An event sent to the server must be answered within this. */
export const ACK_TIMEOUT_MS = 5_000;
/** Reconnecting waits between these; a rebooting router comes back into a waiting page. */
export const RECONNECT_MIN_MS = 300;
export const RECONNECT_MAX_MS = 2_000;
/** A token is used no nearer to its end than this. */
export const TOKEN_MARGIN_MS = 30_000;
/** A token is renewed this long before its end, a third of its life at most. */
export const TOKEN_RENEW_BEFORE_MS = 180_000;
/** A renewal that failed is tried again after this. */
export const TOKEN_RENEW_RETRY_MS = 10_000;
/** Joining or syncing that timed out is tried again after this. */
export const ENTER_RETRY_MS = 1_000;
/** The server's clock is read this often in a row; the fastest answer counts. */
export const CLOCK_READS = 3;
/** A page counts on by itself for at most this long (session.timer). */
export const TIMER_AHEAD_MS = 2_000;
/** Media counts as silent after this; then the path is tried anew (ICE restart). */
export const SILENT_AFTER_MS = 2_000;
/** An ICE restart is not repeated sooner. */
export const RESTART_EVERY_MS = 3_000;
/** After this long without media a fresh generation is asked for, and no sooner again. */
export const RENEW_AFTER_MS = 6_000;
/** The first media of a generation may take this long; a set-up under way is left alone. */
export const FIRST_MEDIA_MS = 10_000;
/** How often the counters of the connection are read. */
export const WATCH_EVERY_MS = 500;
/** A network check gives up connecting after this; UDP is blocked then. */
export const CHECK_CONNECT_MS = 10_000;
/** How long it measures: long enough for the bandwidth estimate to rise. */
export const CHECK_MEASURE_MS = 6_000;
/** How often the picture of a check is drawn anew. */
export const CHECK_PICTURE_EVERY_MS = 50;
/** How often the loudness of a microphone is read. */
export const LEVEL_EVERY_MS = 100;
/** A microphone from which nothing was ever heard is doubted after this. */
export const SILENT_MICROPHONE_MS = 6_000;
/** A microphone that gives perfect silence for this long is dead: a live one always hums a little. */
export const DEAD_MICROPHONE_MS = 10_000;
/** A camera that gives no frame for this long is dead; the slowest give two a second. */
export const DEAD_CAMERA_MS = 5_000;
/** A file may take this long each way; ten megabytes over a bad line. */
export const FILE_TIMEOUT_MS = 180_000;
/** A file, in bytes; the server refuses more. */
export const FILE_BYTES_MAX = 10 * 1024 * 1024;
/** The technician's notes, in characters; they stay in the tab. */
export const NOTES_MAX = 20_000;
/** A chat line, in characters; the server refuses more. */
export const CHAT_TEXT_MAX = 2_000;
/** The comment of a rating, in characters; the server refuses more. */
export const COMMENT_MAX = 1_000;

export const STORAGE_PREFIX = 'remote-assist.';
