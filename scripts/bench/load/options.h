/* The command line. */

static const char *help =
"mqload - MQTT 3.1.1 load generator (QoS 1) and failover prober\n"
"\n"
"usage: mqload throughput [options]\n"
"       mqload failover   [options]\n"
"\n"
"throughput: P publishers, each with at most W unacknowledged messages, and S\n"
"  subscribers.  Closed loop on PUBACK.  Reports acknowledged publishes/s and\n"
"  deliveries/s inside the measured interval, latencies, lost and duplicates.\n"
"failover: the same traffic at a fixed rate; on a disconnect each client goes\n"
"  through the endpoint list until one accepts it, re-sends what was in flight\n"
"  (DUP=1) and, if the broker has no session for it, subscribes again.  Kill the\n"
"  broker from outside.  Reports the outage and what was lost, doubled, reordered.\n"
"\n"
"  -e, --endpoints H:P[,H:P...] brokers, IPv4 (default 127.0.0.1:1883; throughput\n"
"                             uses the first only)\n"
"  -P, --pubs N               publisher connections (1)\n"
"  -S, --subs N               subscriber connections (1)\n"
"  -B, --payload BYTES        payload size, at least 32 (256)\n"
"  -W, --window N             unacknowledged publishes per publisher (64)\n"
"  -d, --duration SEC         measured time (8); failover: publishing time (20)\n"
"  -w, --warmup SEC           time before measuring starts (1; failover 0)\n"
"  -n, --count N              messages per publisher instead of a duration; all of\n"
"                             them are measured\n"
"  -r, --rate N               messages/s per publisher, 0 = as the window allows\n"
"                             (throughput 0, failover 1000)\n"
"  -t, --topics per-pub|shared|group  per-pub (default): publisher i has topic PREFIX/pi,\n"
"                             topics are dealt out over the subscribers; with more\n"
"                             subscribers than publishers a topic fans out.\n"
"                             shared: one topic, every subscriber gets everything\n"
"                             group: one topic and one shared subscription ($share) of\n"
"                             all subscribers; each message goes to one of them\n"
"      --open                 with --rate: the time of a message is when it was due, not\n"
"                             when it could be sent; nothing that was due is left out\n"
"      --idle N               so many more durable sessions, each with a topic of its own\n"
"                             that nobody publishes to (0)\n"
"      --series MS            acknowledgements of each interval of so many ms\n"
"      --ack-timeout MS       failover: leave a server that acknowledges nothing for so\n"
"                             long (0: never)\n"
"      --setup SEC            all clients must be connected after this (30)\n"
"      --wildcard             with per-pub and one subscriber: subscribe PREFIX/+\n"
"      --prefix STR           topic prefix (mqload)\n"
"      --id STR               client id prefix (mqload)\n"
"  -c, --clean 0|1            subscribers' clean-session flag (0 = durable session)\n"
"      --pub-clean 0|1        publishers' (throughput 1, failover 0)\n"
"      --user U --pass P      credentials\n"
"      --keepalive SEC        MQTT keep-alive (60)\n"
"      --retry-ms MS          pause between connection attempts in failover (2)\n"
"      --connect-ms MS        time to wait for CONNACK/SUBACK (5000)\n"
"      --drain SEC            after publishing, give up after SEC without a delivery (5)\n"
"      --drain-max SEC        ... and after SEC in any case (30)\n"
"      --no-cleanup           leave the durable sessions behind\n"
"      --label STR            copied to the report\n"
"  -j, --json                 print one JSON line only\n"
"\n"
"SIGTERM ends the publishing early; what is under way is still seen to its end.\n"
"\n"
"exit status: 0 nothing lost and no error; 1 acknowledged messages lost or not all\n"
"delivered in time; 2 set-up or connection error.\n"
"\n"
"Times are CLOCK_MONOTONIC; latencies in ms from a histogram of <= 1.6 % steps;\n"
"max is exact.  e2e = publish call to arrival at the subscriber.  An outage is the\n"
"time from the last PUBACK (or first-time delivery) to the next one.\n";

static void parse_endpoints(char *s) {
  cfg.nep = 0;
  for (char *t = strtok(s, ","); t; t = strtok(NULL, ",")) {
    if (cfg.nep == MAX_EP) die("more than %d endpoints", MAX_EP);
    endpoint *e = &cfg.ep[cfg.nep++];
    snprintf(e->name, sizeof e->name, "%s", t);
    char *col = strrchr(t, ':');
    if (!col) die("endpoint without port: %s", t);
    *col = 0;
    e->sa.sin_family = AF_INET;
    e->sa.sin_port = htons((u16)atoi(col + 1));
    if (inet_pton(AF_INET, t, &e->sa.sin_addr) != 1) die("not an IPv4 address: %s", t);
  }
}

static void parse_args(int argc, char **argv) {
  enum { O_WILD = 256, O_PREFIX, O_ID, O_PUBCLEAN, O_USER, O_PASS, O_KEEP, O_RETRY, O_CONN, O_DRAIN, O_DRAINMAX, O_NOCLEAN, O_LABEL, O_OPEN, O_IDLE, O_SERIES, O_SETUP, O_ACK };
  static const struct option lo[] = {
    {"endpoints", 1, 0, 'e'}, {"pubs", 1, 0, 'P'}, {"subs", 1, 0, 'S'}, {"payload", 1, 0, 'B'}, {"window", 1, 0, 'W'},
    {"duration", 1, 0, 'd'}, {"warmup", 1, 0, 'w'}, {"count", 1, 0, 'n'}, {"rate", 1, 0, 'r'}, {"topics", 1, 0, 't'},
    {"wildcard", 0, 0, O_WILD}, {"prefix", 1, 0, O_PREFIX}, {"id", 1, 0, O_ID}, {"clean", 1, 0, 'c'},
    {"pub-clean", 1, 0, O_PUBCLEAN}, {"user", 1, 0, O_USER}, {"pass", 1, 0, O_PASS}, {"keepalive", 1, 0, O_KEEP},
    {"retry-ms", 1, 0, O_RETRY}, {"connect-ms", 1, 0, O_CONN}, {"drain", 1, 0, O_DRAIN}, {"drain-max", 1, 0, O_DRAINMAX},
    {"no-cleanup", 0, 0, O_NOCLEAN}, {"label", 1, 0, O_LABEL}, {"open", 0, 0, O_OPEN}, {"idle", 1, 0, O_IDLE}, {"series", 1, 0, O_SERIES}, {"setup", 1, 0, O_SETUP},
    {"ack-timeout", 1, 0, O_ACK}, {"json", 0, 0, 'j'}, {"help", 0, 0, 'h'}, {0, 0, 0, 0}};
  char dflt[] = "127.0.0.1:1883";
  parse_endpoints(dflt);
  if (argc < 2 || !strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) { fputs(help, stdout); exit(argc < 2 ? 2 : 0); }
  if (!strcmp(argv[1], "failover")) {
    cfg.failover = 1;
    cfg.duration = 20;
    cfg.warmup = 0;
    cfg.rate = 1000;
  } else if (strcmp(argv[1], "throughput")) die("unknown mode %s; see --help", argv[1]);
  optind = 2;
  int o;
  while ((o = getopt_long(argc, argv, "e:P:S:B:W:d:w:n:r:t:c:jh", lo, NULL)) != -1) switch (o) {
    case 'e': parse_endpoints(optarg); break;
    case 'P': cfg.pubs = atoi(optarg); break;
    case 'S': cfg.subs = atoi(optarg); break;
    case 'B': cfg.payload = atoi(optarg); break;
    case 'W': cfg.window = atoi(optarg); break;
    case 'd': cfg.duration = atof(optarg); break;
    case 'w': cfg.warmup = atof(optarg); break;
    case 'n': cfg.count = strtoull(optarg, NULL, 10); break;
    case 'r': cfg.rate = atof(optarg); break;
    case 't':
      if (!strcmp(optarg, "shared")) cfg.shared = 1;
      else if (!strcmp(optarg, "group")) cfg.group = 1;
      else if (strcmp(optarg, "per-pub")) die("--topics: per-pub, shared or group");
      break;
    case O_WILD: cfg.wildcard = 1; break;
    case O_PREFIX: cfg.prefix = optarg; break;
    case O_ID: cfg.idprefix = optarg; break;
    case 'c': cfg.sub_clean = atoi(optarg) != 0; break;
    case O_PUBCLEAN: cfg.pub_clean = atoi(optarg) != 0; break;
    case O_USER: cfg.user = optarg; break;
    case O_PASS: cfg.pass = optarg; break;
    case O_KEEP: cfg.keepalive = atoi(optarg); break;
    case O_RETRY: cfg.retry_ms = atof(optarg); break;
    case O_CONN: cfg.connect_ms = atof(optarg); break;
    case O_DRAIN: cfg.drain_idle = atof(optarg); break;
    case O_DRAINMAX: cfg.drain_max = atof(optarg); break;
    case O_NOCLEAN: cfg.cleanup = 0; break;
    case O_OPEN: cfg.open_loop = 1; break;
    case O_IDLE: cfg.idle = atoi(optarg); break;
    case O_SERIES: cfg.series_ms = atof(optarg); break;
    case O_SETUP: cfg.setup = atof(optarg); break;
    case O_ACK: cfg.ack_timeout_ms = atof(optarg); break;
    case O_LABEL: cfg.label = optarg; break;
    case 'j': cfg.json = 1; break;
    case 'h': fputs(help, stdout); exit(0);
    default: die("see --help");
  }
  if (cfg.pub_clean < 0) cfg.pub_clean = !cfg.failover;
  if (cfg.pubs < 1 || cfg.subs < 0 || cfg.pubs > 10000 || cfg.subs > 10000 || cfg.idle < 0) die("--pubs 1..10000, --subs 0..10000");
  if (cfg.payload < HDR_BYTES) die("--payload: at least %d", HDR_BYTES);
  if (cfg.window < 1 || cfg.window > 65535) die("--window 1..65535");
  if (cfg.count) cfg.warmup = 0;
  if (cfg.wildcard && (cfg.subs != 1 || cfg.shared)) die("--wildcard needs one subscriber and per-pub topics");
  if (!cfg.failover) cfg.nep = 1;
}

