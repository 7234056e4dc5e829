/* Reading, and the loop of all connections. */

static void conn_read(conn *c) {
  for (;;) {
    size_t least = c->role == SUB ? 65536 : 4096; /* others get short packets only, and may be many */
    if (c->in.cap - c->in.len < least) {
      c->in.cap = c->in.cap ? c->in.cap * 2 : least * 4;
      c->in.p = xrealloc(c->in.p, c->in.cap);
    }
    size_t room = c->in.cap - c->in.len;
    ssize_t n = read(c->fd, c->in.p + c->in.len, room);
    u64 now = now_ns();
    if (n < 0) {
      if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) return;
      char w[80];
      snprintf(w, sizeof w, "read: %s", strerror(errno));
      conn_drop(c, now, w);
      return;
    }
    if (n == 0) { conn_drop(c, now, "closed by the broker"); return; }
    c->in.len += (size_t)n;
    size_t o = 0;
    while (c->in.len - o >= 2) {
      u32 len = 0, mul = 1;
      size_t h = 1;
      int done = 0;
      while (o + h < c->in.len && h <= 4) {
        u8 x = c->in.p[o + h++];
        len += (x & 127u) * mul;
        mul *= 128;
        if (!(x & 128)) { done = 1; break; }
      }
      if (!done) { if (h > 4) { conn_drop(c, now, "malformed packet length"); return; } break; }
      if (c->in.len - o < h + len) break;
      on_packet(c, c->in.p[o], c->in.p + o + h, len, now);
      if (c->fd < 0 || fatal_err) return;
      o += h + len;
    }
    memmove(c->in.p, c->in.p + o, c->in.len - o);
    c->in.len -= o;
    if (c->out.len) { conn_flush(c, now); if (c->fd < 0) return; }
    if ((size_t)n < room) return;
  }
}

static void on_event(conn *c, u32 ev) {
  u64 now = now_ns();
  if (c->fd < 0) return;
  if (c->state == S_TCP) {
    int e = 0;
    socklen_t l = sizeof e;
    getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &e, &l);
    if (e || (ev & EPOLLERR)) { char w[80]; snprintf(w, sizeof w, "connect: %s", strerror(e)); conn_drop(c, now, w); return; }
    if (!(ev & EPOLLOUT)) return;
    c->state = S_CONNACK;
    put_connect(&c->out, c->clientid, c->role == PUB ? cfg.pub_clean : cfg.sub_clean);
    conn_flush(c, now);
    return;
  }
  if (ev & (EPOLLIN | EPOLLHUP | EPOLLERR)) conn_read(c);
  if (c->fd >= 0 && (ev & EPOLLOUT)) conn_flush(c, now);
}

/* ------------------------------------------------------------- main loop */

static int all_up(void) {
  for (int i = 0; i < NC; i++) if (C[i].state != S_UP) return 0;
  return 1;
}

static u64 inflight(void) {
  u64 n = 0;
  for (int i = 0; i < NC; i++) if (C[i].role == PUB) n += (u64)(cfg.window - C[i].nfree);
  return n;
}

static u64 expected_total(u64 *acked_out) {
  u64 e = 0, a = 0;
  for (int i = 0; i < NC; i++)
    if (C[i].role == PUB) {
      a += C[i].nacked;
      for (int s = 0; s < cfg.subs; s++) if (expects(s, C[i].id)) e += C[i].nacked;
    }
  if (acked_out) *acked_out = a;
  return e;
}

/* acked but not delivered, over all (subscriber, publisher) pairs */
static u64 count_lost(void) {
  u64 lost = 0;
  for (int i = 0; i < NC; i++) {
    conn *c = &C[i];
    if (c->role != PUB) continue;
    for (int s = 0; s < cfg.subs; s++) {
      if (!expects(s, c->id)) continue;
      pairrec *r = &R[s * cfg.pubs + c->id];
      for (u64 q = 0; q < c->next_seq && q < c->acked_cap; q++)
        if (c->acked[q] && (q >= r->cap || !r->cnt[q])) lost++;
    }
  }
  return lost;
}

/* A server that says nothing is left, by all that are connected to it. */
static void leave_silent(u64 now) {
  for (int i = 0; i < NC; i++) {
    conn *c = &C[i];
    if (c->role != PUB || c->state != S_UP || c->nfree == cfg.window) continue;
    u64 last = c->t_last_ack > c->t_up ? c->t_last_ack : c->t_up;
    if (now < last + (u64)(cfg.ack_timeout_ms * 1e6)) continue;
    int ep = c->ep;
    for (int k = 0; k < NC; k++)
      if (C[k].ep == ep && C[k].state == S_UP) conn_drop(&C[k], now, "no PUBACK in time");
  }
}

static void tick(u64 now) {
  static u64 last_look;
  if (NC > MANY && now < last_look + MSEC) return;
  last_look = now;
  int connecting = 0;
  for (int i = 0; i < NC; i++) if (C[i].state != S_DOWN && C[i].state != S_UP) connecting++;
  if (cfg.ack_timeout_ms > 0) leave_silent(now);
  for (int i = 0; i < NC; i++) {
    conn *c = &C[i];
    if (c->state == S_DOWN) { if (now >= c->retry_at && (connecting < CONNECTING_MAX || (phase > 0 && c->role != IDLE))) { conn_start(c, now); connecting++; } }
    else if (c->state != S_UP) {
      if (now >= c->deadline) { n_connect_timeouts++; conn_drop(c, now, "no CONNACK/SUBACK in time"); }
    } else {
      if (c->role == PUB) pub_pump(c, now);
      if (cfg.keepalive && now - c->last_tx > (u64)cfg.keepalive * NSEC / 2) { u8 ping[2] = {T_PINGREQ << 4, 0}; put(&c->out, ping, 2); }
      if (c->out.len && !c->armed_out) conn_flush(c, now);
    }
    if (fatal_err) return;
  }
}

static void loop_once(u64 until) {
  struct epoll_event ev[256];
  u64 now = now_ns();
  tick(now);
  if (fatal_err) return;
  u64 wake = until;
  if (NC > MANY && now + MSEC < wake) wake = now + MSEC;
  for (int i = 0; i < NC && NC <= MANY; i++) {
    conn *c = &C[i];
    u64 t = until;
    if (c->state == S_DOWN) t = c->retry_at;
    else if (c->state != S_UP) t = c->deadline;
    else if (c->role == PUB && cfg.rate > 0 && phase == 1 && c->nfree > 0) t = c->next_due;
    if (cfg.ack_timeout_ms > 0 && t > now + MSEC) t = now + MSEC;
    if (t < wake) wake = t;
  }
  now = now_ns();
  u64 d = wake > now ? wake - now : 0;
  if (d > 100 * MSEC) d = 100 * MSEC;
  struct timespec ts = {(time_t)(d / NSEC), (long)(d % NSEC)};
  int n = epoll_pwait2(epfd, ev, 256, &ts, NULL);
  for (int i = 0; i < n && !fatal_err; i++) {
    conn *c = ev[i].data.ptr;
    on_event(c, ev[i].events);
    if (NC <= MANY || c->role != PUB || c->state != S_UP || fatal_err) continue;
    pub_pump(c, now_ns());
    if (c->out.len && !c->armed_out) conn_flush(c, now_ns());
  }
}

static double rel(u64 t) { return t ? (double)(t - t_begin) / 1e9 : -1; }
static double span_ms(u64 a, u64 b) { return a && b && b >= a ? (double)(b - a) / 1e6 : -1; }

