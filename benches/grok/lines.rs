//! What is measured: lines as the programs write them, made from a seed, and the expressions for them.

/// Lines and the expressions that are tried on them.
pub struct Case {
    pub name: &'static str,
    pub expressions: Vec<String>,
    pub lines: Vec<String>,
    /// Whether the lines match.
    pub matches: bool,
}

/// Numbers that look random and are the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % bound
    }

    fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }

    fn address(&mut self) -> String {
        format!("{}.{}.{}.{}", 1 + self.below(223), self.below(256), self.below(256), 1 + self.below(254))
    }
}

const MONTHS: &[&str] = &["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const PATHS: &[&str] = &[
    "/",
    "/index.html",
    "/presentations/logstash-monitorama-2013/images/kibana-search.png",
    "/blog/tags/puppet?flav=rss20",
    "/robots.txt",
    "/images/jordan-80.png",
    "/style2.css",
    "/reset.css",
    "/articles/dynamic-dns-with-dhcp/",
    "/api/v1/orders/83721/items?limit=50&offset=100",
];
const REFERRERS: &[&str] = &[
    "-",
    "http://semicomplete.com/presentations/logstash-monitorama-2013/",
    "https://www.google.com/search?q=grok",
    "http://www.semicomplete.com/blog/",
];
const AGENTS: &[&str] = &[
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_9_1) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/32.0.1700.77 Safari/537.36",
    "Mozilla/5.0 (X11; Linux x86_64; rv:27.0) Gecko/20100101 Firefox/27.0",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "UniversalFeedParser/4.2-pre-314-svn +http://feedparser.org/",
];
const HOSTS: &[&str] = &["web-01", "db3.prod.example.com", "ip-10-0-4-17", "edge-fra1"];

const COUNT: usize = 2000;

fn lines(seed: u64, mut make: impl FnMut(&mut Random) -> String) -> Vec<String> {
    let mut random = Random(seed);
    (0..COUNT).map(|_| make(&mut random)).collect()
}

fn access(random: &mut Random) -> String {
    format!(
        "{} - {} [{:02}/{}/2015:{:02}:{:02}:{:02} +0000] \"{} {} HTTP/1.1\" {} {} \"{}\" \"{}\"",
        random.address(),
        random.pick(&["-", "-", "-", "frank", "anna"]),
        1 + random.below(28),
        random.pick(MONTHS),
        random.below(24),
        random.below(60),
        random.below(60),
        random.pick(&["GET", "GET", "GET", "POST", "HEAD"]),
        random.pick(PATHS),
        random.pick(&["200", "200", "304", "404", "500"]),
        random.below(200_000),
        random.pick(REFERRERS),
        random.pick(AGENTS),
    )
}

fn syslog(random: &mut Random) -> String {
    format!(
        "{} {:2} {:02}:{:02}:{:02} {} {}[{}]: {}",
        random.pick(MONTHS),
        1 + random.below(28),
        random.below(24),
        random.below(60),
        random.below(60),
        random.pick(HOSTS),
        random.pick(&["sshd", "systemd", "kernel", "postfix/smtpd"]),
        1 + random.below(30_000),
        random.pick(&[
            "Accepted publickey for deploy from 10.0.4.17 port 51022 ssh2",
            "connect from unknown[203.0.113.7]",
            "Started Session 4711 of user root.",
        ]),
    )
}

fn haproxy(random: &mut Random) -> String {
    format!(
        "Feb {:2} 12:14:14 {} haproxy[{}]: {}:{} [0{}/Feb/2009:12:14:14.655] http-in static/srv{} {}/0/30/69/{} 200 {} - - ---- 1/1/1/1/0 0/0 {{1wt.eu}} {{}} \"GET {} HTTP/1.1\"",
        1 + random.below(28),
        random.pick(HOSTS),
        1 + random.below(30_000),
        random.address(),
        1024 + random.below(60_000),
        1 + random.below(9),
        1 + random.below(9),
        random.below(100),
        random.below(1000),
        random.below(100_000),
        random.pick(PATHS),
    )
}

fn postgresql(random: &mut Random) -> String {
    format!(
        "{:02}-{:02}-2013 {:02}:{:02}:{:02} UTC [{}] {}@orders 5211{}e2.{}d LOG:  duration: {}.{} ms  statement: select 1 {}",
        1 + random.below(12),
        1 + random.below(12),
        random.below(24),
        random.below(60),
        random.below(60),
        random.below(9999),
        random.pick(&["app", "postgres", "report"]),
        random.below(10),
        random.below(10),
        random.below(900),
        random.below(1000),
        1 + random.below(30_000),
    )
}

fn java(random: &mut Random) -> String {
    format!(
        "\tat org.example.{}.{}.{}({}.java:{})",
        random.pick(&["service", "web.filter", "orders.internal.dispatch"]),
        random.pick(&["OrderService", "RequestFilter$Chain", "Dispatcher"]),
        random.pick(&["doFilter", "handle", "<init>"]),
        random.pick(&["OrderService", "RequestFilter", "Dispatcher"]),
        1 + random.below(900),
    )
}

fn cisco(random: &mut Random) -> String {
    match random.below(4) {
        0 => format!(
            "Teardown TCP connection {} for outside:{}/443 to inside:{}/{} duration 0:0{}:12 bytes {} TCP FINs",
            random.below(1_000_000),
            random.address(),
            random.address(),
            1024 + random.below(60_000),
            random.below(9),
            random.below(100_000),
        ),
        1 => format!(
            "Built outbound TCP connection {} for outside:{}/443 ({}/443) to inside:{}/{} ({}/{})",
            random.below(1_000_000),
            random.address(),
            random.address(),
            random.address(),
            1024 + random.below(60_000),
            random.address(),
            1024 + random.below(60_000),
        ),
        2 => format!(
            "Deny tcp src outside:{}/{} dst inside:{}/22 by access-group \"outside_in\" [0x0, 0x0]",
            random.address(),
            1024 + random.below(60_000),
            random.address(),
        ),
        _ => format!(
            "Teardown dynamic TCP translation from inside:{}/{} to outside:{}/{} duration 0:00:30",
            random.address(),
            random.below(60_000),
            random.address(),
            random.below(60_000)
        ),
    }
}

fn application(random: &mut Random) -> String {
    format!(
        "2024-03-{:02}T{:02}:{:02}:{:02}.{:03}Z INFO [worker-{}] c.e.orders.Shipment - event=shipment_dispatched order={} carrier={} took={}ms",
        1 + random.below(28),
        random.below(24),
        random.below(60),
        random.below(60),
        random.below(1000),
        random.below(16),
        random.below(1_000_000),
        random.pick(&["dhl", "ups", "hermes"]),
        random.below(900),
    )
}

const CISCO: &[&str] = &[
    "CISCOFW104001",
    "CISCOFW104002",
    "CISCOFW104003",
    "CISCOFW104004",
    "CISCOFW105003",
    "CISCOFW105004",
    "CISCOFW105005",
    "CISCOFW105008",
    "CISCOFW105009",
    "CISCOFW106001",
    "CISCOFW106006_106007_106010",
    "CISCOFW106014",
    "CISCOFW106015",
    "CISCOFW106021",
    "CISCOFW106023",
    "CISCOFW106100",
    "CISCOFW110002",
    "CISCOFW302010",
    "CISCOFW302013_302014_302015_302016",
    "CISCOFW302020_302021",
    "CISCOFW305011",
    "CISCOFW313001_313004_313008",
    "CISCOFW313005",
];

const EVENTS: &[&str] = &[
    "order_created",
    "order_paid",
    "order_cancelled",
    "order_refunded",
    "cart_opened",
    "cart_emptied",
    "cart_merged",
    "user_login",
    "user_logout",
    "user_locked",
    "mail_sent",
    "mail_bounced",
    "stock_low",
    "stock_refilled",
    "price_changed",
    "coupon_used",
    "coupon_expired",
    "search_run",
    "search_empty",
    "page_viewed",
    "job_started",
    "job_finished",
    "job_failed",
    "cache_hit",
    "cache_miss",
    "cache_full",
    "db_slow",
    "db_retry",
    "queue_full",
    "queue_drained",
    "token_issued",
    "token_revoked",
    "invoice_made",
    "invoice_sent",
    "invoice_paid",
    "parcel_weighed",
    "parcel_labelled",
    "parcel_lost",
    "return_opened",
    "return_closed",
    "export_run",
    "import_run",
    "import_failed",
    "config_loaded",
    "config_changed",
    "node_joined",
    "node_left",
    "leader_elected",
    "backup_done",
    "shipment_dispatched",
];

/// Everything that is measured.
pub fn cases() -> Vec<Case> {
    let one =
        |name, expression: &str, lines| Case { name, expressions: vec![expression.to_owned()], lines, matches: true };
    let header = "%{TIMESTAMP_ISO8601:time} %{LOGLEVEL:level} \\[%{DATA:thread}\\] %{JAVACLASS:class} - ";
    let shipments = EVENTS.iter().map(|event| {
        format!("{header}event={event} order=%{{INT:order}} carrier=%{{WORD:carrier}} took=%{{INT:took}}ms")
    });
    vec![
        one("COMBINEDAPACHELOG", "%{COMBINEDAPACHELOG}", lines(1, access)),
        one("SYSLOGLINE", "%{SYSLOGLINE}", lines(2, syslog)),
        one("HAPROXYHTTP", "%{HAPROXYHTTP}", lines(3, haproxy)),
        one("POSTGRESQL", "%{POSTGRESQL}", lines(4, postgresql)),
        one("JAVASTACKTRACEPART", "%{JAVASTACKTRACEPART}", lines(5, java)),
        one("time, level, thread, class, rest", &format!("{header}%{{GREEDYDATA:message}}"), lines(6, application)),
        Case {
            name: "Cisco ASA, 23 expressions",
            expressions: CISCO.iter().map(|name| format!("%{{{name}}}")).collect(),
            lines: lines(7, cisco),
            matches: true,
        },
        Case {
            name: "50 expressions, the last matches",
            expressions: shipments.collect(),
            lines: lines(8, application),
            matches: true,
        },
        Case {
            name: "no match, a literal is missing",
            expressions: vec![
                "%{IPORHOST:client} %{WORD:verb} %{URIPATHPARAM:request} status=%{NUMBER:status} took=%{NUMBER:took}"
                    .to_owned(),
            ],
            lines: lines(9, access),
            matches: false,
        },
        Case {
            name: "no match, noticed late",
            expressions: vec!["%{COMBINEDAPACHELOG} \"%{IP:forwarded}\"$".to_owned()],
            lines: lines(10, access),
            matches: false,
        },
    ]
}
