/* What was measured: one JSON line, or lines to read. */

typedef struct {
  u64 sent, acked, unacked, expected, unique, lost, dups, order, backlog;
  int drained, timed_out;
  double secs, cpu, cpu_total, peak_mib, drain_s;
} summary;

static double cpu_sec(const struct rusage *u) {
  return (double)(u->ru_utime.tv_sec + u->ru_stime.tv_sec) + (double)(u->ru_utime.tv_usec + u->ru_stime.tv_usec) / 1e6;
}

static void json_latency(const char *name, const hist *h) {
  printf(",\"%s\":{\"p50\":%.3f,\"p99\":%.3f,\"p999\":%.3f,\"max\":%.3f}", name, hist_ms(h, .5), hist_ms(h, .99), hist_ms(h, .999), (double)h->max / 1e6);
}

static void json_count(const char *name, u64 n) { printf(",\"%s\":%llu", name, (unsigned long long)n); }

static void json_outages(void) {
  printf(",\"outages\":[");
  for (int i = 0; i < n_outages; i++) {
    outage *o = &outages[i];
    printf("%s{\"role\":\"%s\",\"id\":%d,\"at\":%.3f,\"from\":\"%s\",\"to\":\"%s\",\"lastToDownMs\":%.2f,\"downToUpMs\":%.2f,\"lastToFirstMs\":%.2f,\"sessionPresent\":%d,\"tries\":%llu,\"refused\":%d}",
           i ? "," : "", o->role == PUB ? "pub" : "sub", o->id, rel(o->t_down), cfg.ep[o->ep_from].name,
           o->ep_to >= 0 ? cfg.ep[o->ep_to].name : "", span_ms(o->t_last, o->t_down), span_ms(o->t_down, o->t_up),
           span_ms(o->t_last, o->t_first), o->session_present, (unsigned long long)o->tries, o->refused);
  }
  printf("]");
}

static void report_json(const summary *s) {
  printf("{\"mode\":\"%s\",\"label\":\"%s\"", cfg.failover ? "failover" : "throughput", cfg.label);
  printf(",\"seconds\":%.3f,\"acksPerSec\":%.1f,\"delivPerSec\":%.1f", s->secs, (double)m_acks / s->secs, (double)m_deliv / s->secs);
  json_latency("ackMs", &h_ack);
  json_latency("e2eMs", &h_e2e);
  json_count("sent", s->sent);
  json_count("acked", s->acked);
  json_count("unacked", s->unacked);
  json_count("expected", s->expected);
  json_count("delivered", s->unique);
  json_count("lost", s->lost);
  json_count("dups", s->dups);
  json_count("order", s->order);
  json_count("backlogAtEnd", s->backlog);
  json_count("stale", stale);
  json_count("bad", bad);
  json_count("strayAcks", stray_acks);
  printf(",\"drained\":%d,\"drainTimedOut\":%d,\"drainSec\":%.3f", s->drained, s->timed_out, s->drain_s);
  printf(",\"cpuSec\":%.3f,\"cpuSecTotal\":%.3f,\"peakMiB\":%.1f", s->cpu, s->cpu_total, s->peak_mib);
  if (cfg.failover) {
    printf(",\"gapAckMs\":%.2f,\"gapDelivMs\":%.2f", (double)gap_ack / 1e6, (double)gap_del / 1e6);
    json_count("disconnects", n_disconnects);
    json_count("resent", resent);
    json_count("sessionLost", n_session_lost);
    json_count("connectTimeouts", n_connect_timeouts);
    json_outages();
  }
  if (cfg.series_ms > 0) {
    printf(",\"beginNs\":\"%llu\",\"series\":[", (unsigned long long)t_begin);
    for (u64 i = 0; i < n_series; i++) printf("%s%u", i ? "," : "", series[i]);
    printf("]");
  }
  printf(",\"error\":\"%s\"}\n", fatal_err ? fatal_msg : "");
}

static void report_text(const summary *s) {
  printf("%s  P=%d S=%d payload=%d B window=%d topics=%s subscriber session=%s %s\n", cfg.failover ? "failover" : "throughput", cfg.pubs, cfg.subs,
         cfg.payload, cfg.window, cfg.shared ? "shared" : "per-pub", cfg.sub_clean ? "clean" : "durable", cfg.label);
  if (fatal_err) printf("ERROR                 %s (figures below are partial)\n", fatal_msg);
  printf("measured              %.2f s, client CPU %.2f s\n", s->secs, s->cpu);
  printf("acked publishes/s     %.0f\n", (double)m_acks / s->secs);
  printf("deliveries/s          %.0f\n", (double)m_deliv / s->secs);
  printf("e2e latency ms        p50 %.3f  p95 %.3f  p99 %.3f  max %.3f\n", hist_ms(&h_e2e, .5), hist_ms(&h_e2e, .95), hist_ms(&h_e2e, .99), (double)h_e2e.max / 1e6);
  printf("ack latency ms        p50 %.3f  p99 %.3f  max %.3f\n", hist_ms(&h_ack, .5), hist_ms(&h_ack, .99), (double)h_ack.max / 1e6);
  printf("sent %llu  acked %llu  unacked at end %llu  expected deliveries %llu  delivered %llu\n", (unsigned long long)s->sent, (unsigned long long)s->acked,
         (unsigned long long)s->unacked, (unsigned long long)s->expected, (unsigned long long)s->unique);
  printf("%s %llu  duplicates %llu  order violations %llu  stale %llu  bad %llu\n", s->timed_out ? "UNDELIVERED when the drain ran out of time" : "LOST (acked, never delivered)",
         (unsigned long long)s->lost, (unsigned long long)s->dups, (unsigned long long)s->order, (unsigned long long)stale, (unsigned long long)bad);
  printf("backlog when publishing stopped %llu, drain %.2f s (%s)\n", (unsigned long long)s->backlog, s->drain_s, s->drained ? "complete" : s->timed_out ? "out of time" : "no progress");
  if (cfg.failover) {
    printf("longest PUBACK gap    %.1f ms (from t=%.3f s)\n", (double)gap_ack / 1e6, rel(gap_ack_at));
    printf("longest delivery gap  %.1f ms (from t=%.3f s)\n", (double)gap_del / 1e6, rel(gap_del_at));
    printf("disconnects %llu  re-sent %llu  sessions the broker forgot %llu  CONNACK refused %llu  connect timeouts %llu\n", (unsigned long long)n_disconnects,
           (unsigned long long)resent, (unsigned long long)n_session_lost, (unsigned long long)n_connack_refused, (unsigned long long)n_connect_timeouts);
    for (int i = 0; i < n_outages; i++) {
      outage *o = &outages[i];
      printf("  %s%d down at t=%.3f s, %s -> %s: reconnected after %.1f ms (%llu tries, session present %d), last %s to first %.1f ms\n",
             o->role == PUB ? "pub" : "sub", o->id, rel(o->t_down), cfg.ep[o->ep_from].name, o->ep_to >= 0 ? cfg.ep[o->ep_to].name : "-",
             span_ms(o->t_down, o->t_up), (unsigned long long)o->tries, o->session_present, o->role == PUB ? "PUBACK" : "delivery", span_ms(o->t_last, o->t_first));
    }
  }
}
