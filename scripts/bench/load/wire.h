/* Connections, what is known of them, and the packets that they write. */

/* ----------------------------------------------------------- connections */

enum role { PUB, SUB, IDLE };
enum state { S_DOWN, S_TCP, S_CONNACK, S_SUBACK, S_UP };

typedef struct { u8 *p; size_t len, cap, off; } buf;

typedef struct {
  u64 seq, ts;
  int used;
} slot;

typedef struct conn {
  enum role role;
  enum state state;
  int id, fd, ep, armed_out, was_up;
  u64 retry_at, deadline, last_tx;
  buf in, out;
  char clientid[64];
  /* publisher */
  slot *slots;
  int *freestk, nfree;
  u64 next_seq, nacked, next_due;
  u8 *acked;
  u64 acked_cap;
  char topic[96];
  u64 t_last_ack, t_up;
  /* failover bookkeeping: index of the open outage in outages[], or -1 */
  int outage;
} conn;

typedef struct {
  enum role role;
  int id, ep_from, ep_to, session_present, refused;
  u64 t_last, t_down, t_up, t_first, tries;
} outage;

static conn *C;
static int NC;
static int epfd;
static u64 run_id;
static char *filler;

/* per (subscriber, publisher) delivery record */
typedef struct { u8 *cnt; u64 cap, hi; int any; u64 unique, dups, order; } pairrec;
static pairrec *R;

static hist h_e2e, h_ack;
static u64 m_acks, m_deliv, t_deliv_all, stale, bad, stray_acks, resent;
static u64 t_begin, t_meas0, t_meas1, t_last_deliv, t_last_ack_any, t_first_ack;
static u64 gap_ack, gap_ack_at, gap_del, gap_del_at;
static int in_window, phase; /* 0 set-up, 1 run, 2 drain */
static outage outages[MAX_EVENTS_LOG];
static int n_outages;
#define SERIES_MAX 100000
static u32 series[SERIES_MAX]; /* acknowledgements of each --series interval */
static u64 n_series;
static u64 n_disconnects, n_session_lost, n_connack_refused, n_connect_timeouts;
static int fatal_err;
static char fatal_msg[200];

/* Whether subscriber s is to get what publisher p sends; a group counts as its first member. */
static int expects(int s, int p) {
  if (cfg.group) return s == 0;
  if (cfg.shared) return 1;
  return cfg.subs <= cfg.pubs ? p % cfg.subs == s : s % cfg.pubs == p;
}

static void put(buf *b, const void *d, size_t n) {
  if (b->len + n > b->cap) {
    if (b->off) {
      memmove(b->p, b->p + b->off, b->len - b->off);
      b->len -= b->off;
      b->off = 0;
    }
    if (b->len + n > b->cap) {
      size_t c = b->cap ? b->cap : 4096;
      while (c < b->len + n) c *= 2;
      b->p = xrealloc(b->p, c);
      b->cap = c;
    }
  }
  memcpy(b->p + b->len, d, n);
  b->len += n;
}

static void put8(buf *b, u8 v) { put(b, &v, 1); }
static void put16(buf *b, u16 v) { u8 x[2] = {(u8)(v >> 8), (u8)v}; put(b, x, 2); }
static void puts16(buf *b, const char *s) { u16 n = (u16)strlen(s); put16(b, n); put(b, s, n); }
static void putlen(buf *b, u32 n) {
  do { u8 x = n & 127; n >>= 7; put8(b, n ? (u8)(x | 128) : x); } while (n);
}

static void put_connect(buf *b, const char *cid, int clean) {
  u32 n = 10 + 2 + (u32)strlen(cid);
  u8 fl = clean ? 2 : 0;
  if (cfg.user) { fl |= 0x80; n += 2 + (u32)strlen(cfg.user); }
  if (cfg.pass) { fl |= 0x40; n += 2 + (u32)strlen(cfg.pass); }
  put8(b, T_CONNECT << 4);
  putlen(b, n);
  puts16(b, "MQTT");
  put8(b, 4);
  put8(b, fl);
  put16(b, (u16)cfg.keepalive);
  puts16(b, cid);
  if (cfg.user) puts16(b, cfg.user);
  if (cfg.pass) puts16(b, cfg.pass);
}

static void topic_of(int pub, char *out, size_t n) {
  if (cfg.shared || cfg.group) snprintf(out, n, "%s/all", cfg.prefix);
  else snprintf(out, n, "%s/p%d", cfg.prefix, pub);
}

static void put_subscribe(conn *c) {
  char t[96];
  buf body = {0};
  put16(&body, 1);
  if (c->role == IDLE) { snprintf(t, sizeof t, "%s-idle/%d", cfg.prefix, c->id); puts16(&body, t); put8(&body, 1); }
  else if (cfg.group) { snprintf(t, sizeof t, "$share/%s/%s/all", cfg.prefix, cfg.prefix); puts16(&body, t); put8(&body, 1); }
  else if (cfg.shared) { topic_of(0, t, sizeof t); puts16(&body, t); put8(&body, 1); }
  else if (cfg.wildcard) { snprintf(t, sizeof t, "%s/+", cfg.prefix); puts16(&body, t); put8(&body, 1); }
  else
    for (int p = 0; p < cfg.pubs; p++)
      if (expects(c->id, p)) { topic_of(p, t, sizeof t); puts16(&body, t); put8(&body, 1); }
  put8(&c->out, (T_SUBSCRIBE << 4) | 2);
  putlen(&c->out, (u32)body.len);
  put(&c->out, body.p, body.len);
  free(body.p);
}

static void put_publish(conn *c, int sl, int dup) {
  u8 h[HDR_BYTES];
  u32 magic = MAGIC, pub = (u32)c->id;
  u16 tl = (u16)strlen(c->topic);
  memcpy(h, &magic, 4);
  memcpy(h + 4, &pub, 4);
  memcpy(h + 8, &run_id, 8);
  memcpy(h + 16, &c->slots[sl].seq, 8);
  memcpy(h + 24, &c->slots[sl].ts, 8);
  put8(&c->out, (u8)((T_PUBLISH << 4) | (dup ? 8 : 0) | 2));
  putlen(&c->out, 2u + tl + 2u + (u32)cfg.payload);
  put16(&c->out, tl);
  put(&c->out, c->topic, tl);
  put16(&c->out, (u16)(sl + 1));
  put(&c->out, h, HDR_BYTES);
  put(&c->out, filler, (size_t)cfg.payload - HDR_BYTES);
}

