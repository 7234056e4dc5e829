/*
 * mqload - MQTT 3.1.1 load generator and failover prober.
 *
 * One process, one thread, epoll; needs nothing but libc (glibc >= 2.35 and
 * Linux >= 5.11 for epoll_pwait2).
 *
 *   cc -O2 -Wall -Wextra -o mqload mqload.c
 *
 * Every message carries (run id, publisher id, sequence number, send time), so
 * each acknowledged message is followed from PUBLISH through PUBACK to its
 * delivery at every subscriber that should get it.  "LOST" means: the broker
 * sent PUBACK for it and a subscriber whose subscription was in place before
 * the first PUBLISH never got it.
 *
 * Publisher and subscriber are in one process and use one CLOCK_MONOTONIC, so
 * end-to-end latency needs no clock synchronisation.
 */

#define _GNU_SOURCE
#include "base.h"
#include "wire.h"
#include "link.h"
#include "traffic.h"
#include "loop.h"
#include "options.h"
#include "report.h"

/* SIGTERM: enough; what is under way is seen to its end, and reported. */
static volatile sig_atomic_t is_enough;
static void enough(int sig) { (void)sig; is_enough = 1; }

int main(int argc, char **argv) {
  parse_args(argc, argv);
  signal(SIGPIPE, SIG_IGN);
  signal(SIGTERM, enough);
  run_id = now_ns() ^ ((u64)getpid() << 40);
  filler = xcalloc(1, (size_t)cfg.payload + 1);
  for (int i = 0; i < cfg.payload; i++) filler[i] = (char)('a' + (i * 7 + i / 26) % 26);
  NC = cfg.subs + cfg.idle + cfg.pubs;
  C = xcalloc((size_t)NC, sizeof *C);
  R = xcalloc((size_t)cfg.pubs * (size_t)(cfg.subs ? cfg.subs : 1), sizeof *R);
  epfd = epoll_create1(EPOLL_CLOEXEC);
  for (int i = 0; i < NC; i++) {
    conn *c = &C[i];
    c->fd = -1;
    c->outage = -1;
    c->role = i < cfg.subs ? SUB : i < cfg.subs + cfg.idle ? IDLE : PUB; /* subscribers first */
    c->id = c->role == SUB ? i : c->role == IDLE ? i - cfg.subs : i - cfg.subs - cfg.idle;
    snprintf(c->clientid, sizeof c->clientid, "%s-%s%d", cfg.idprefix, c->role == SUB ? "sub" : c->role == IDLE ? "idle" : "pub", c->id);
    if (c->role == PUB) {
      topic_of(c->id, c->topic, sizeof c->topic);
      c->slots = xcalloc((size_t)cfg.window, sizeof(slot));
      c->freestk = xcalloc((size_t)cfg.window, sizeof(int));
      for (int k = cfg.window - 1; k >= 0; k--) c->freestk[c->nfree++] = k;
    }
  }
  struct rlimit files;
  if (!getrlimit(RLIMIT_NOFILE, &files)) { files.rlim_cur = files.rlim_max; setrlimit(RLIMIT_NOFILE, &files); }
  wipe_all(1);

  u64 limit = now_ns() + (u64)(cfg.setup * 1e9);
  while (!all_up() && !fatal_err && now_ns() < limit) loop_once(limit);
  if (!all_up()) die("set-up failed: %s", fatal_err ? fatal_msg : "not all clients were connected in time (--setup)");

  struct rusage ru0, ru1;
  phase = 1;
  t_begin = now_ns();
  for (int i = 0; i < NC; i++) /* those of one rate take turns */
    if (C[i].role == PUB && cfg.rate > 0) C[i].next_due = t_begin + (u64)(1e9 / cfg.rate / cfg.pubs * C[i].id);
  u64 t_w = t_begin + (u64)(cfg.warmup * 1e9), t_end = t_w + (u64)(cfg.duration * 1e9);
  while (!fatal_err && now_ns() < t_w) loop_once(t_w);
  in_window = 1;
  t_meas0 = now_ns();
  getrusage(RUSAGE_SELF, &ru0);
  if (cfg.count) {
    u64 want = cfg.count * (u64)cfg.pubs, a = 0;
    while (!fatal_err && !is_enough) { loop_once(now_ns() + 100 * MSEC); expected_total(&a); if (a >= want) break; }
  } else
    while (!fatal_err && !is_enough && now_ns() < t_end) loop_once(t_end);
  t_meas1 = now_ns();
  getrusage(RUSAGE_SELF, &ru1);
  in_window = 0;
  phase = 2;
  u64 backlog = expected_total(NULL);
  backlog = backlog > t_deliv_all ? backlog - t_deliv_all : 0;

  /* drain: all in-flight acknowledged and everything acknowledged delivered */
  u64 d0 = now_ns(), progress = d0, last = t_deliv_all, last_inf = inflight();
  int drained = 0, timed_out = 0;
  while (!fatal_err) {
    u64 now = now_ns(), inf = inflight();
    if (t_deliv_all != last || inf != last_inf) { last = t_deliv_all; last_inf = inf; progress = now; }
    if (!inf && t_deliv_all >= expected_total(NULL) && !count_lost()) { drained = 1; break; }
    if (now - progress > (u64)(cfg.drain_idle * 1e9)) break;
    if (now - d0 > (u64)(cfg.drain_max * 1e9)) { timed_out = 1; break; }
    u64 step = now + 5 * MSEC;
    loop_once(step);
  }
  double drain_s = (double)(now_ns() - d0) / 1e9;
  if (drained && cfg.failover) { /* late duplicates */
    u64 t = now_ns() + 300 * MSEC;
    while (!fatal_err && now_ns() < t) loop_once(t);
  }

  summary s = {.drained = drained, .timed_out = timed_out, .drain_s = drain_s, .backlog = backlog,
    .lost = count_lost(), .unacked = inflight(), .secs = (double)(t_meas1 - t_meas0) / 1e9,
    .cpu = cpu_sec(&ru1) - cpu_sec(&ru0)};
  s.expected = expected_total(&s.acked);
  for (int i = 0; i < NC; i++) if (C[i].role == PUB) s.sent += C[i].next_seq;
  for (int i = 0; i < cfg.pubs * cfg.subs; i++) { s.unique += R[i].unique; s.dups += R[i].dups; s.order += R[i].order; }
  for (int i = 0; i < NC; i++) {
    if (C[i].fd < 0) continue;
    u8 d[2] = {T_DISCONNECT << 4, 0};
    if (C[i].state == S_UP && !C[i].out.len) { ssize_t x = write(C[i].fd, d, 2); (void)x; }
    close(C[i].fd);
    C[i].fd = -1;
  }
  if (cfg.cleanup) wipe_all(0);

  struct rusage all;
  getrusage(RUSAGE_SELF, &all);
  s.cpu_total = cpu_sec(&all);
  s.peak_mib = (double)all.ru_maxrss / 1024;
  if (cfg.json) report_json(&s);
  else report_text(&s);
  if (fatal_err) return 2;
  return s.lost ? 1 : 0;
}

