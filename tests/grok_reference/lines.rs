//! What is compared: expressions, texts, lines of logs, and what chance makes.

/// Expressions whose meaning is in question.
pub const EXPRESSIONS: &[&str] = &[
    r"(?<x>\w+)",
    r"(?<x>\d+)",
    r"(?<x>\s+)",
    r"(?<x>\W+)",
    r"(?<x>[\w-]+)",
    r"(?<x>[^\s]+)",
    r"(?<x>\h+)",
    r"\b(?<x>.+?)\b",
    r"(?<x>[[:alpha:]]+)",
    r"(?<x>[[:word:]]+)",
    r"(?<x>[[:^space:]]+)",
    r"(?<x>\p{Alpha}+)",
    r"(?<x>.*)",
    r"^(?<x>.*)$",
    r"\A(?<x>.*)\z",
    r"(?<x>b)$",
    r"(?<x>.)\Z",
    r"(?m)(?<x>.*)",
    r"(?m:a.b)(?<x>.*)",
    r"(?i)(?<x>[a-z]+)",
    r"(?i)(?<x>č+)",
    r"(?<x>[^\n]+)",
    r"(?<a>x)|(?<a>y)",
    r"(?<a>.)(?<a>.)",
    r"(?<a>x)(?<a>y)?",
    r"(?<a>x)(?<a>y?)",
    r"(?<x>.)\k<x>",
    r"(?<x>[ab])\g<x>",
    r"\g<x>(?<x>[ab])",
    r"(?<x>a|ab)(?<y>c|bcd)(?<z>d*)",
    r"(?<x>a{,2})",
    r"(?<x>a++)b",
    r"(?>(?<x>a+))b",
    r"(?<x>a*?)b",
    r"(?<x>(?<=a|bc)d)",
    r"(?<!x)(?<x>y)",
    r"(?<x>[a-w&&[^c-g]z]+)",
    r"(?<x>\R)",
    r"(?<x>\x41|\x{e4})",
    r"(?<x>(?i:b)+)",
    r"(?x)(?<x> a b )",
    r"(?<x>a(?#comment)b)",
    "(?'x'a)",
    "(?<a.b>a)",
    "(?<a-b>a)",
    "(?<@x>a)",
    "(?<x y>a)",
    "(?<a:b:int>[0-9]+)",
    "%{WORD:a.b}",
    "%{WORD:[a][b]}",
    "%{WORD:1x}",
    "%{WORD:-x}",
    "%{WORD:größe}",
    "%{WORD:a:b:int}",
    "%{WORD:a::int}",
    "%{WORD:b:boolean}",
    "%{NUMBER:n:int}",
    "%{NUMBER:n:long}",
    "%{NUMBER:n:float}",
    "%{NUMBER:n:double}",
    "%{NUMBER:n:Int}",
    "%{DATA:n:int}x",
    "%{DATA:d}x",
    "%{INT:a} %{INT:a:int}",
    "%{INT:a:int} %{INT:a:int}",
    "(?:%{INT:a})|(?:%{WORD:b})",
    "(?:%{WORD:b})|(?:%{INT:a})",
    "%{WORD:a b}",
    "%{WORD:un(r)ted}",
    "%{}",
    "%{WORD:a",
    "%{NOTFOUND:x}",
    "(?<x>a",
    "x)",
    r"\\%{WORD:a}",
    "[%{WORD:a}]+",
    "%{IP:ip}",
    "%{IPORHOST:host}",
    "%{HOSTNAME:host}",
    "%{URIPATHPARAM:path}",
    "%{UNIXPATH:path}",
    "%{QUOTEDSTRING:q}",
    "%{MAC:mac}",
    "%{UUID:id}",
    "%{EMAILADDRESS:mail}",
    "%{TIMESTAMP_ISO8601:t}",
    "%{NOTSPACE:n} %{GREEDYDATA:rest}",
    "%{SPACE:s}%{NOTSPACE:n}",
    // Places, repeated.
    r"(?<x>a$?)(?<y>.?)",
    r"(?<x>a^?b)",
    r"(?<x>a$+)",
    r"(?<x>^*b)",
    r"^+(?<x>.)",
    r"\b?(?<x>\w)",
    r"\b*+(?<x>\W)",
    r"(?<x>a)\b{2}",
    r"(?<x>a)\b{0}(?<y>.)",
    r"(?<x>a)\b{0,2}(?<y>.)",
    r"(?<x>a)\B{2,}(?<y>.)",
    r"(?<x>a)\B??(?<y>.)",
    r"(?<x>a)\B+?(?<y>.)",
    r"(?<x>\w+)(?:,|$)?(?<y>.*)",
    r"(?<x>\w+)(?:,|$)*(?<y>.*)",
    r"(?<x>\w+?)(?:b|$)+(?<y>.*)",
    r"(?<x>(?:^|b)*)(?<y>.)",
    r"(?<x>(?:^|a|b)+)(?<y>.)",
    r"(?<x>(?:b|$){0,2})(?<y>.*)",
    r"(?<x>(?:b|$){2})(?<y>.*)",
    r"(?<x>(?:$|b){2,3})(?<y>.*)",
    r"(?<x>(?:^|a){2,}?)(?<y>.*)",
    r"(?<x>(?:^|a){1,2}+)(?<y>.*)",
    r"(?<x>(?:^|(?<z>a))*)(?<y>.*)",
    r"(?<x>(?:(?<z>a)|^)*)(?<y>.*)",
    r"(?<x>(?:(?<z>a)|$)+?)(?<y>.*)",
    r"(?=a)?(?<x>.)",
    r"(?=(?<z>a))?(?<x>.)",
    r"(?=(?<z>a))*(?<x>.)",
    r"(?=(?<z>.))+(?<x>.)",
    r"(?=(?<z>a))??(?<x>.)",
    r"(?=(?<z>.)){0}(?<x>.)",
    r"(?=(?<z>.)){2}(?<x>.)",
    r"(?:(?=(?<z>.))|b)*(?<x>.)",
    r"(?:b|(?=(?<z>.)))*(?<x>.)",
    r"(?:b|(?=(?<z>.)))+?(?<x>.)",
    r"(?!a)?(?<x>.)",
    r"(?!a)*(?<x>.)",
    r"(?!a)+(?<x>.)",
    r"(?!a){2}(?<x>.)",
    r"(?<=a)?(?<x>.)",
    r"(?<=a)+(?<x>.)",
    r"(?<!a)*(?<x>.)",
    r"(?<!a)++(?<x>.)",
    r"(?:(?<!a)|a)+(?<x>.)",
    r"(?:\b|-)*(?<x>.)",
    r"(?:^?)*(?<x>.)",
    r"(?:^+)+(?<x>.)",
    r"(?:^*)?(?<x>.)",
    r"(?:(?:^){2}){3}(?<x>.)",
    r"(?:\b?a?)*(?<x>.)",
    r"(?:\b|a)*?(?<x>[a-z])",
    r"(?:$)*(?<x>.?)",
    r"(?:$)+?(?<x>.?)",
    r"(?>$|a)*(?<x>.?)",
    r"(?>^|a)?(?<x>.?)",
    r"(?<x>\A+a)",
    r"(?<x>a)\z?",
    r"(?<x>a)\Z*(?<y>.?)",
    r"\G+(?<x>.)",
    r"\G?(?<x>[bc])",
    r"(?<x>a)\K?(?<y>b)",
    r"(?<x>a)\K*(?<y>b)",
    r"(?<x>(?:a\K|b)+)",
    r"(^)*(?<x>a)\1",
    r"(?:(^)|a)*(?<x>.)",
    r"(?<x>)*(?<y>.)",
    r"(?<x>^)*(?<y>.)",
    r"(?<x>^)?(?<y>.)",
    r"(?<x>$|a)*(?<y>.?)",
    r"(?<x>^*)*(?<y>.?)",
];

/// Texts to try them on.
pub const TEXTS: &[&str] = &[
    "",
    "a",
    "b",
    "x",
    "y",
    "xy",
    "xyx",
    "aab",
    "abcd",
    "ab cd",
    "bcd",
    "ab\ncd",
    "a\nb\n",
    "\r\nab",
    " ab ",
    "Čierny ČČ",
    "٣4",
    "a\u{a0}b\u{85}c",
    "éßSS",
    "ſK",
    "12",
    "+12 -3",
    "1 2",
    "99999999999",
    "12.5",
    ".5",
    "1.5e3",
    "true",
    "TRUE false",
    "10.0.0.1 x",
    "::1",
    "fe80::1%eth0",
    "www.example.com:80",
    "/a/b?c=d",
    r"/a\b c",
    r#""a \" b" 'c'"#,
    "00:1b:2c:3d:4e:5f",
    "bob@example.com",
    "2026-11-20T01:02:03.5Z",
    "2026-11-20 1:02",
    "%{WORD:a b}",
    "a\u{1f600}b",
];

/// Lines of logs.
pub const LINES: &[&str] = &[
    r#"203.0.113.9 - bob [20/Nov/2026:00:00:00 +0900] "GET /a?b=c HTTP/1.1" 200 12 "https://example.com/" "curl/8.5.0""#,
    r#"2001:db8::1 - - [20/Nov/2026:00:00:00 +0000] "-" - - "-" "-""#,
    "[Fri Nov 20 10:00:00.123456 2026] [core:error] [pid 12:tid 345] [client 192.0.2.7:5000] AH00126: Invalid URI in request",
    "[Fri Nov 20 10:00:00 2026] [warn] [client 192.0.2.7] it is late",
    "Nov 20 01:02:03 web-1 sshd[4711]: Failed password for root from 192.0.2.1 port 22 ssh2",
    "Nov  2 01:02:03 web-1 CRON[99]: (root) CMD (run-parts /etc/cron.hourly)",
    "<34>1 2026-11-20T01:02:03.123Z host.example.com app 123 ID47 [a b=\"c\"] It came",
    "<166>Nov 20 2026 01:02:03 fw : %ASA-6-302013: Built outbound TCP connection 1234 for outside:192.0.2.5/443 (192.0.2.5/443) to inside:10.0.0.3/5511 (198.51.100.2/5511)",
    "%ASA-4-106023: Deny tcp src outside:192.0.2.1/1025 dst inside:10.0.0.4/80 by access-group \"out\" [0x0, 0x0]",
    "Deny inbound UDP from 192.0.2.1/53 to 10.0.0.2/53 on interface outside",
    "[ Scanning] drop rate-2 exceeded. Current burst rate is 1 per second, max configured rate is 8; Current average rate is 7 per second, max configured rate is 4; Cumulative total count is 38086",
    "Nov 20 09:03:52 lb haproxy[32450]: 192.0.2.4:38862 [20/Nov/2026:09:03:52.726] www~ app/app1 0/0/1/0/2 304 168 - - ---- 6/6/0/0/0 0/0 {a|b} {c} \"GET http://example.com:8080/x?y=1 HTTP/1.1\"",
    "Nov 20 09:03:52 lb haproxy[32450]: 192.0.2.4:38862 [20/Nov/2026:09:03:52.726] db db/db1 0/0/5007 212 -- 0/0/0/0/3 0/0",
    "\tat org.example.Main$Inner.<init>(Main.java:42)",
    "2026-11-20 01:02:03,456 ERROR org.example.Main - it failed",
    "Nov 20, 2026 9:10:11 AM org.example.Main start",
    "20-Nov-2026 01:02:03.456 INFO [main] org.example.Main.start Server startup in 12 ms",
    "2026-11-20T01:02:03.456+0000 I NETWORK  [conn2] end connection 192.0.2.1:5 (1 connection now open)",
    "[1427956600] SERVICE ALERT: web1;disk;CRITICAL;HARD;3;disk is full",
    "[1427956600] HOST ALERT: web1;DOWN;SOFT;1;no answer",
    "[1427956600] CURRENT SERVICE STATE: web1;disk;OK;HARD;1;fine",
    "[1427956600] EXTERNAL COMMAND: SCHEDULE_HOST_DOWNTIME;web1;1427956600;1427960200;1;0;3600;bob;because",
    "20-11-26 01:02:03 UTC bob 5a.1 42",
    "[4018] 20 Nov 07:01:22.119 * Background saving terminated with success",
    "1470637867.953466 [0 192.0.2.1:52500] \"set\" \"a\" \"b\"",
    "I, [2026-11-20T01:02:03.123456 #42]  INFO -- web: it began",
    "1066036250.603    310 192.0.2.17 TCP_MISS/200 1043 GET http://example.com/ - DIRECT/example.com text/html",
    "20-Nov-2026 01:02:03.326 queries: info: client @0x7f64500 192.0.2.1#12345 (example.com): query: example.com IN A +E(0)K (192.0.2.3)",
    "20-Nov 01:02 dir JobId 7: Start Backup JobId 7, Job=nightly.2026",
    "2026-11-20 08:57:53 0tACW1-0005MB-00 <= bob@example.com H=mx.example.net (mx) [192.0.2.9]:25 P=esmtps S=5678 id=a@b.c",
    "RT_FLOW_SESSION_CLOSE: session closed TCP FIN: 10.0.0.1/1->10.0.0.2/2 junos-ssh 10.0.0.1/1->10.0.0.2/2 None r2 6 p1 trust untrust 45 1(64) 2(128) 60 UNKNOWN",
    "Started GET \"/a\" for 192.0.2.1 at 2026-11-20 01:02:03 +0000",
    "2014-02-15T23:39:43.945958Z lb 192.0.2.39:2817 - -1 -1 -1 503 0 0 0 \"GET http://www.example.com:80/ HTTP/1.1\"",
    "1258867934.558264\tCx\t192.0.2.1\t5\t192.0.2.2\t80\ttcp\thttp\t0.5\t10\t20\tSF\tT\t0\tShADad\t5\t60\t6\t70\t(empty)",
    "query users.people query: { a: 1 } ntoreturn:0 ntoskip:0 nscanned:28 keyUpdates:0 nreturned:18 reslen:14019 340ms",
    "urn:isbn:0451450523 C:\\Windows\\x.txt /dev/pts/3 0x1F 1.5 -7 a_b juillet Monday 23:59:60 +01:00 EST 20261120010203",
    "Jan März Juli Oct Dez  wed  12/31/99 31.12.1999 2026-12-31T23:59:59,999+0130",
    "{\"a\": \"b\", \"c\": [1, 2]} https://bob:secret@example.com:8443/p/a/t/h?q=%20#f",
    "Größe: ÄÖÜ ⟨x⟩ 中文 \u{1f600}",
    "",
];

/// Expressions and texts at random, by a seed.
pub struct Chance(u64);

impl Chance {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % limit as u64) as usize
    }

    fn one<'c>(&mut self, choices: &[&'c str]) -> &'c str {
        choices[self.below(choices.len())]
    }

    /// A text over few letters, so that expressions match often.
    pub fn text(&mut self) -> String {
        (0..self.below(12)).map(|_| self.one(&["a", "b", "c", "A", "1", " ", "-", "é", "\n", "_"])).collect()
    }

    /// An expression with captures.
    pub fn expression(&mut self) -> String {
        (0..1 + self.below(3)).map(|_| format!("(?<{}>{})", self.one(&["x", "y", "z"]), self.branch(3))).collect()
    }

    fn branch(&mut self, depth: usize) -> String {
        let mut branch: String = (0..1 + self.below(3)).map(|_| self.piece(depth)).collect();
        if self.below(4) == 0 {
            branch = format!("{branch}|{}", self.piece(depth));
        }
        branch
    }

    fn piece(&mut self, depth: usize) -> String {
        if self.below(8) == 0 {
            let places =
                ["^", "$", r"\b", r"\B", r"\A", r"\z", r"\Z", "(?=a)", "(?!b)", "(?<=a)", "(?<!b)", "(?=.(?<z>b)?)"];
            return self.one(&places).to_owned()
                + self.one(&["", "", "", "", "", "?", "*", "+", "??", "*+", "{2}", "{0,2}"]);
        }
        let atom = match self.below(if depth == 0 { 4 } else { 6 }) {
            0 | 1 => self.one(&["a", "b", "c", "1", " ", "-", "é"]).to_owned(),
            2 => self.one(&[r"\w", r"\d", r"\s", r"\S", r"\W", r"\h", ".", "."]).to_owned(),
            3 => self.one(&["[ab]", "[^a]", r"[\w-]", "[a-c1]", r"[^\s]", "[[:alpha:]]", "[[:digit:]_]"]).to_owned(),
            4 => format!("(?:{})", self.branch(depth - 1)),
            _ => format!("(?>{})", self.branch(depth - 1)),
        };
        atom + self.one(&["", "", "", "?", "*", "+", "*?", "+?", "??", "{2}", "{1,2}", "{0,2}?", "++", "?+"])
    }
}
