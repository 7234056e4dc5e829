/* Messages on their way: published, acknowledged, delivered; each is kept account of. */

/* --------------------------------------------------------------- publish */

static void pub_pump(conn *c, u64 now) {
  if (c->state != S_UP || phase != 1) return;
  while (c->nfree > 0) {
    if (cfg.count && c->next_seq >= cfg.count) return;
    u64 due = 0;
    if (cfg.rate > 0) {
      if (now < c->next_due) return;
      u64 step = (u64)(1e9 / cfg.rate);
      if (cfg.open_loop) due = c->next_due;
      c->next_due += step;
      /* no burst after a pause; in an open loop what was due is sent late, and its time says so */
      if (!cfg.open_loop && now > c->next_due + 50 * MSEC) c->next_due = now + step;
    }
    int sl = c->freestk[--c->nfree];
    c->slots[sl] = (slot){.seq = c->next_seq++, .ts = due ? due : now_ns(), .used = 1};
    put_publish(c, sl, 0);
  }
}

static slot *sort_slots;
static int slot_cmp(const void *a, const void *b) {
  u64 x = sort_slots[*(const int *)a].seq, y = sort_slots[*(const int *)b].seq;
  return x < y ? -1 : x > y;
}

static void pub_resend(conn *c) {
  int n = 0, *ix = xcalloc((size_t)cfg.window, sizeof *ix);
  for (int i = 0; i < cfg.window; i++)
    if (c->slots[i].used) ix[n++] = i;
  sort_slots = c->slots;
  qsort(ix, (size_t)n, sizeof *ix, slot_cmp);
  for (int i = 0; i < n; i++) put_publish(c, ix[i], 1);
  resent += (u64)n;
  free(ix);
}

static void on_up(conn *c, u64 now) {
  c->state = S_UP;
  c->next_due = now;
  c->t_up = now;
  if (c->outage >= 0) { outages[c->outage].t_up = now; outages[c->outage].ep_to = c->ep; }
  if (c->role == PUB && c->was_up) pub_resend(c);
  c->was_up = 1;
}

static void on_puback(conn *c, u16 pid, u64 now) {
  int sl = (int)pid - 1;
  if (sl < 0 || sl >= cfg.window || !c->slots[sl].used) { stray_acks++; return; }
  slot *s = &c->slots[sl];
  if (s->seq >= c->acked_cap) {
    u64 nc = c->acked_cap ? c->acked_cap * 2 : 256;
    while (nc <= s->seq) nc *= 2;
    c->acked = xrealloc(c->acked, nc);
    memset(c->acked + c->acked_cap, 0, nc - c->acked_cap);
    c->acked_cap = nc;
  }
  c->acked[s->seq] = 1;
  c->nacked++;
  if (in_window) { m_acks++; hist_add(&h_ack, now - s->ts); }
  if (t_last_ack_any && phase >= 1 && now - t_last_ack_any > gap_ack) { gap_ack = now - t_last_ack_any; gap_ack_at = t_last_ack_any; }
  if (cfg.series_ms > 0 && phase == 1) {
    u64 at = (now - t_begin) / (u64)(cfg.series_ms * 1e6);
    if (at < SERIES_MAX) { series[at]++; if (at >= n_series) n_series = at + 1; }
  }
  if (!t_first_ack) t_first_ack = now;
  t_last_ack_any = c->t_last_ack = now;
  if (c->outage >= 0) { outages[c->outage].t_first = now; c->outage = -1; }
  s->used = 0;
  c->freestk[c->nfree++] = sl;
}

/* -------------------------------------------------------------- deliver */

static void on_publish(conn *c, u8 first, const u8 *p, u32 n, u64 now) {
  if (n < 2) { bad++; return; }
  u32 tl = ((u32)p[0] << 8) | p[1], qos = (first >> 1) & 3, o = 2 + tl;
  if (qos) {
    if (n < o + 2) { bad++; return; }
    u8 a[4] = {T_PUBACK << 4, 2, p[o], p[o + 1]};
    put(&c->out, a, 4);
    o += 2;
  }
  if (n < o + HDR_BYTES) { bad++; return; }
  u32 magic, pub;
  u64 rid, seq, ts;
  memcpy(&magic, p + o, 4);
  memcpy(&pub, p + o + 4, 4);
  memcpy(&rid, p + o + 8, 8);
  memcpy(&seq, p + o + 16, 8);
  memcpy(&ts, p + o + 24, 8);
  if (magic != MAGIC || rid != run_id) { stale++; return; }
  if (pub >= (u32)cfg.pubs || (!cfg.group && !expects(c->id, (int)pub)) || n - o != (u32)cfg.payload) { bad++; return; }
  pairrec *r = &R[(cfg.group ? 0 : c->id) * cfg.pubs + (int)pub];
  if (seq >= r->cap) {
    u64 nc = r->cap ? r->cap * 2 : 256;
    while (nc <= seq) nc *= 2;
    r->cnt = xrealloc(r->cnt, nc);
    memset(r->cnt + r->cap, 0, nc - r->cap);
    r->cap = nc;
  }
  if (r->cnt[seq] == 0) {
    r->unique++;
    if (!cfg.group && r->any && seq < r->hi) r->order++; /* members of a group may overtake each other */
    if (!r->any || seq > r->hi) r->hi = seq;
    r->any = 1;
    if (t_last_deliv && (phase == 1 || c->outage >= 0) && now - t_last_deliv > gap_del) { gap_del = now - t_last_deliv; gap_del_at = t_last_deliv; }
    t_last_deliv = c->t_last_ack = now;
    if (in_window) { m_deliv++; hist_add(&h_e2e, now - ts); }
    t_deliv_all++;
    if (c->outage >= 0) { outages[c->outage].t_first = now; c->outage = -1; }
  } else r->dups++;
  if (r->cnt[seq] < 255) r->cnt[seq]++;
}

static void on_packet(conn *c, u8 first, const u8 *p, u32 n, u64 now) {
  switch (first >> 4) {
  case T_CONNACK: {
    if (n < 2 || p[1] != 0) {
      char w[64];
      n_connack_refused++;
      if (c->outage >= 0) outages[c->outage].refused++;
      snprintf(w, sizeof w, "CONNACK return code %d", n < 2 ? -1 : p[1]);
      conn_drop(c, now, w);
      return;
    }
    int present = p[0] & 1;
    if (c->outage >= 0) outages[c->outage].session_present = present;
    if (c->was_up && !present && !(c->role == PUB ? cfg.pub_clean : cfg.sub_clean)) n_session_lost++;
    if (c->role != PUB && (!c->was_up || !present)) { c->state = S_SUBACK; put_subscribe(c); }
    else on_up(c, now);
    break;
  }
  case T_SUBACK:
    for (u32 i = 2; i < n; i++)
      if (p[i] != 1) { fatal("SUBACK grants 0x%02x instead of QoS 1", p[i]); return; }
    if (c->state == S_SUBACK) on_up(c, now);
    break;
  case T_PUBACK:
    if (c->role == PUB && n >= 2) on_puback(c, (u16)((p[0] << 8) | p[1]), now);
    break;
  case T_PUBLISH:
    if (c->role == SUB) on_publish(c, first, p, n, now);
    break;
  case T_PINGRESP: break;
  default: bad++;
  }
}

