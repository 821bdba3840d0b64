import Gateway
import NIOHTTP1
import Testing
import TroupeRedisTestKit

/// What the check accepts works: the gateway starts with it, and answers.
@Suite(.timeLimit(.minutes(3)))
struct AcceptedConfigurationTests {
    /// Odd values, each in its place of a file that is right without it.
    static let oddities: [(place: String, values: [String])] = [
        (
            "hits",
            [
                "1e-30%", "0.00001%", "0.0001%", "1e2%", "-1%", "+5%", "0x10%", "nan%", "inf%",
                "100.0%", "100.1%", "%", "50", "5 %", "٥%", "\u{FF15}%", "0%", "1e400%", ".5%",
                "5.%",
            ]
        ),
        ("jitter", ["100%", "1e-300%", "99.9999%", "-0%"]),
        ("budget", ["0%", "100%", "1e-320%", "1E2%"]),
        ("ttl", ["1ms", "8760h", "8761h", "999999999h", "0", "0s", "1e3s", "-1s", "1.5s", "s"]),
        ("timeout", ["1h", "8760h", "0s", "9999999999s", "1 s"]),
        ("body", ["0", "1GiB", "1073741825", "-1", "1e3", "64kib", "0x10"]),
        ("memory", ["0", "64GiB", "65GiB", "1B"]),
        ("entries", ["0", "100000000", "1e3", "-1"]),
        ("loops", ["0", "1", "257", "-1"]),
        ("connections", ["1", "0", "1000000", "1000001"]),
        (
            "upstream_path",
            [
                "c/{id}", "\"/c d/{id}\"", "\"/c\\r\\nX: y\"", "/ü/{id}", "\"/c?id={id}\"",
                "/c/{id}/",
                "/a/../{id}", "/a/./{id}", "//{id}", "\"{id}\"", "/%2e%2e/{id}", "/c%2F{id}",
                "/c%zz",
                "\"/c#{id}\"", "\"/c?a=%\"", "\"/c?\"", "\"/c?{id}\"", "/", "/..{id}", "/{id}.json",
                "\"/c?q=a b\"", "/%C3%BC/{id}", "/{nope}", "\"/{id\"", "\"\"", "/a;b/{id}",
                "/..;/{id}",
            ]
        ),
        (
            "part_path",
            [
                "p/{id}", "\"/p q\"", "/../p", "/ü", "\"/p?x={id}\"", "/p/{id}/",
                "\"/p?x=1&y={one.b}\"",
            ]
        ),
        ("methods", ["[]", "[GET]", "[HEAD]", "[GET, GET]", "[OPTIONS]", "[POST]", "GET", "{}"]),
        ("details_methods", ["[]", "[GET, HEAD]", "[POST]", "[OPTIONS]", "[GET, PUT]"]),
        (
            "vary",
            [
                "[]", "[host]", "[x-forwarded-proto]", "[X-Real-IP]", "[accept]", "[range]",
                "[If-None-Match]", "[\"a b\"]", "[\"\"]", "[x_forwarded_for]", "[accept-language]",
            ]
        ),
        ("host", ["127.0.0.1", "\"a b\"", "\"\"", "\"127.0.0.1\\r\""]),
        ("field", ["_errors", "\"a\\\"b\"", "\"\"", "one"]),
        ("event", ["OrderCreated", "\"a b\"", "\"a*\"", "\"{x}\"", "\"\""]),
        ("default", ["{a: [1, 2]}", "{\"<<\": 1}", "{<<: {a: 1}}", "1e999", ".nan", "~", "\"x\""]),
        (
            "target",
            ["http://[::1]:1", "http://:1", "http://a:0", "http://a:65536", "http://a b:1"]
        ),
    ]

    static func yaml(_ origin: OriginServer, _ place: String, _ value: String) -> String {
        func at(_ name: String, _ usual: String) -> String { name == place ? value : usual }
        return """
            x-defaults: &defaults {ttl: 60s, scope: shared}
            server:
              host: \(at("host", "127.0.0.1"))
              event_loops: \(at("loops", "1"))
              connections: \(at("connections", "100"))
              limits: {body: \(at("body", "64KiB"))}
              access_log: {hits: \(at("hits", "10%"))}
            cache: {memory: \(at("memory", "1MiB")), entries: \(at("entries", "100"))}
            upstreams:
              shop:
                targets: ["http://127.0.0.1:\(origin.port)"]
                retry: {budget: \(at("budget", "20%"))}
              other: {targets: ["\(at("target", "http://127.0.0.1:1"))"]}
            routes:
              - name: item
                path: /items/{id}
                methods: \(at("methods", "[GET, POST]"))
                upstream: shop
                timeout: \(at("timeout", "5s"))
                upstream_path: \(at("upstream_path", "/c/{id}"))
              - name: kept
                path: /kept/{id}
                upstream: shop
                cache:
                  <<: *defaults
                  ttl: \(at("ttl", "1m"))
                  jitter: \(at("jitter", "10%"))
                  vary_headers: \(at("vary", "[accept]"))
              - name: details
                path: /details/{id}
                methods: \(at("details_methods", "[GET]"))
                aggregate:
                  parts:
                    one: {upstream: shop, path: "/one/{id}"}
                    two: {upstream: shop, path: \(at("part_path", "/two"))}
                    three:
                      upstream: other
                      path: /three
                      as: \(at("field", "drei"))
                      on_error: default
                      default: \(at("default", "1"))
            invalidation:
              on: [{service: order, events: [\(at("event", "Created"))], tags: ["order:{subject}"]}]
            """
    }

    @Test(arguments: oddities)
    func whatTheCheckAcceptsStartsAndAnswers(
        _ oddity: (place: String, values: [String])
    ) async throws {
        let origin = try await OriginServer.start { _ in .init(body: #"{"b":"x&y"}"#) }
        var accepted = 0
        for value in oddity.values {
            let yaml = Self.yaml(origin, oddity.place, value)
            do {
                _ = try GatewayConfiguration(yaml: yaml, file: "g.yaml")
            } catch {
                let places = error.faults.map(\.place)
                #expect(places.allSatisfy { $0.line > 1 }, "\(value): \(error)")
                continue
            }
            accepted += 1
            try await Self.expectAnswers(yaml, "\(oddity.place): \(value)")
        }
        await origin.stop()

        #expect(accepted > 0 && accepted < oddity.values.count, "\(oddity.place)")
        for request in origin.asked {
            let isPlain = request.target.utf8.allSatisfy { (0x21...0x7E).contains($0) }
            #expect(request.target.hasPrefix("/") && isPlain, "\(request.target)")
        }
    }

    private static func expectAnswers(_ yaml: String, _ what: String) async throws {
        try await GatewayUnderTest.with(yaml, logger: RecordedLog().logger) { port, _ in
            let client = try await RawConnection(port: port)
            for path in ["/items/7", "/items/7?q=1", "/kept/7", "/kept/7", "/details/7"] {
                let answer = try await client.get(path)
                #expect(answer.status < 500 || answer.status == 504, "\(what): \(path)")
            }
        }
    }

    static func faults(_ yaml: String) -> [String] { GatewayConfigurationTests.faults(yaml) }

    static let plain = """
        upstreams: {a: {targets: ["http://127.0.0.1:1"]}}
        routes:
          - {name: r, path: /r, upstream: a, upstream_path: PATH}
        """

    @Test(arguments: [
        ("c", "`c` does not begin with `/`"),
        ("\"/c\\r\\nX: y\"", "is not the path of a URI"),
        ("\"/c d\"", "is not the path of a URI"),
        ("/ü", "what is sent would read like `/%C3%BC`"),
        ("/a/../b", "what is sent would read like `/b`"),
    ])
    func anUpstreamPathIsRefusedWhereItStands(_ path: String, _ reason: String) throws {
        let faults = Self.faults(Self.plain.replacing("PATH", with: path))

        #expect(faults.count == 1)
        #expect(try #require(faults.first).hasPrefix("g.yaml:3:53: routes[0].upstream_path: "))
        #expect(try #require(faults.first).contains(reason))
    }

    @Test func aByteOrderMarkIsNoFault() {
        #expect(Self.faults("\u{FEFF}" + Self.plain.replacing("PATH", with: "/r")) == [])
    }

    @Test func namesOfTheWritersOwnAndMergeKeysAreAllowed() throws {
        let yaml = """
            x-slow: &slow {timeout: 9s}
            x-cache: &cache
              <<: *slow
              connect_timeout: 1s
            upstreams:
              a:
                <<: [*cache, {idle_timeout: 3s, connect_timeout: 7s}]
                targets: ["http://127.0.0.1:1"]
                idle_timeout: 5s
            routes: [{name: r, path: /r, upstream: a}]
            """
        let upstream = try GatewayConfiguration(yaml: yaml, file: "g.yaml").upstreams[0]

        #expect(upstream.timeout == .seconds(9))
        #expect(upstream.connectTimeout == .seconds(1))
        #expect(upstream.idleTimeout == .seconds(5))
        #expect(Self.faults(yaml.replacing("timeout: 9s", with: "tiemout: 9s")).count == 1)
        #expect(Self.faults(yaml.replacing("[*cache", with: "[1")).count == 1)
    }

    @Test func anAliasBombIsRefused() throws {
        var yaml = "x-0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n"
        for level in 1...9 {
            let aliases = Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
            yaml += "x-\(level): &a\(level) [\(aliases)]\n"
        }

        #expect(
            Self.faults(yaml + Self.plain.replacing("PATH", with: "/r"))
                == ["g.yaml:1:1: with its aliases it holds more than 100000 values"])
    }
}
