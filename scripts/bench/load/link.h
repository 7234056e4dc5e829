/* How a connection begins, breaks and comes back. */

static void fatal(const char *fmt, ...) {
  if (fatal_err) return;
  va_list ap;
  va_start(ap, fmt);
  vsnprintf(fatal_msg, sizeof fatal_msg, fmt, ap);
  va_end(ap);
  fatal_err = 1;
}

static void conn_arm(conn *c, int out) {
  if (c->armed_out == out) return;
  struct epoll_event ev = {.events = EPOLLIN | (out ? EPOLLOUT : 0), .data.ptr = c};
  epoll_ctl(epfd, EPOLL_CTL_MOD, c->fd, &ev);
  c->armed_out = out;
}

static void conn_drop(conn *c, u64 now, const char *why) {
  int was_up = c->state == S_UP;
  if (c->fd >= 0) close(c->fd);
  c->fd = -1;
  c->in.len = c->in.off = c->out.len = c->out.off = 0;
  c->armed_out = 0;
  c->state = S_DOWN;
  if (!cfg.failover) { fatal("%s connection %d: %s", c->role == PUB ? "publisher" : c->role == SUB ? "subscriber" : "idle", c->id, why); return; }
  if (was_up && phase > 0 && c->role != IDLE) {
    n_disconnects++;
    if (n_outages < MAX_EVENTS_LOG) {
      c->outage = n_outages;
      outages[n_outages++] = (outage){.role = c->role, .id = c->id, .ep_from = c->ep, .ep_to = -1,
        .session_present = -1, .t_last = c->t_last_ack, .t_down = now};
    } else c->outage = -1;
  }
  c->ep = (c->ep + 1) % cfg.nep;
  /* idle ones are many: they come back over 50 ms, not all at once */
  if (c->role == IDLE) c->retry_at = now + (u64)(1 + c->id % 50) * MSEC;
  else c->retry_at = was_up ? now : now + (u64)(cfg.retry_ms * 1e6);
}

static void conn_start(conn *c, u64 now) {
  int one = 1;
  c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (c->fd < 0) die("socket: %s", strerror(errno));
  setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  if (c->outage >= 0) outages[c->outage].tries++;
  c->deadline = now + (u64)(cfg.connect_ms * 1e6);
  c->state = S_TCP;
  struct epoll_event ev = {.events = EPOLLIN | EPOLLOUT, .data.ptr = c};
  if (connect(c->fd, (struct sockaddr *)&cfg.ep[c->ep].sa, sizeof(struct sockaddr_in)) < 0 && errno != EINPROGRESS) {
    char w[80];
    snprintf(w, sizeof w, "connect: %s", strerror(errno));
    conn_drop(c, now, w);
    return;
  }
  epoll_ctl(epfd, EPOLL_CTL_ADD, c->fd, &ev);
  c->armed_out = 1;
}

static void conn_flush(conn *c, u64 now) {
  while (c->out.off < c->out.len) {
    ssize_t n = write(c->fd, c->out.p + c->out.off, c->out.len - c->out.off);
    if (n > 0) { c->out.off += (size_t)n; c->last_tx = now; }
    else if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) { conn_arm(c, 1); return; }
    else if (n < 0 && errno == EINTR) continue;
    else { char w[80]; snprintf(w, sizeof w, "write: %s", strerror(errno)); conn_drop(c, now, w); return; }
  }
  c->out.off = c->out.len = 0;
  conn_arm(c, 0);
}

/* Blocking: connect with clean session and leave, to erase session state. */
static int wipe_session(const char *cid, int ep) {
  struct timeval tv = {5, 0};
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  buf b = {0};
  u8 r[4];
  int ok = 0;
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv);
  if (connect(fd, (struct sockaddr *)&cfg.ep[ep].sa, sizeof(struct sockaddr_in)) == 0) {
    put_connect(&b, cid, 1);
    if (write(fd, b.p, b.len) == (ssize_t)b.len && recv(fd, r, 4, MSG_WAITALL) == 4 && r[0] == (T_CONNACK << 4) && r[3] == 0) {
      u8 d[2] = {T_DISCONNECT << 4, 0};
      ok = write(fd, d, 2) == 2;
      struct timeval t2 = {1, 0};
      setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t2, sizeof t2);
      while (recv(fd, r, 4, 0) > 0) {}
    }
  }
  close(fd);
  free(b.p);
  return ok;
}

static void wipe_all(int must) {
  for (int i = 0; i < NC; i++) {
    int clean = C[i].role == PUB ? cfg.pub_clean : cfg.sub_clean;
    /* those nobody sends to are many, and nothing waits for them */
    if (clean || C[i].role == IDLE) continue;
    int ok = 0;
    for (int e = 0; e < cfg.nep && !ok; e++) ok = wipe_session(C[i].clientid, e);
    if (!ok && must) die("cannot connect to any endpoint as %s", C[i].clientid);
  }
}

