import Testing

@testable import Gateway

@Suite(.timeLimit(.minutes(3)))
struct ConfigurationWarningsTests {
    /// Those about kept answers without tags.
    private func warnings(_ routes: String...) throws -> [String] {
        let list = routes.map { "  - {\($0)}" }.joined(separator: "\n")
        return try GatewayConfiguration(
            yaml: "upstreams: {up: {targets: [\"http://a:1\"]}}\nroutes:\n" + list,
            file: "test.yaml"
        ).warnings.map(\.message).filter { $0.contains("without `tags`") }
    }

    private static func all(_ yaml: String) throws -> [String] {
        try GatewayConfiguration(yaml: yaml, file: "g.yaml").warnings.map(\.description)
    }

    /// Warned of nothing; each test spoils a line of it.
    private static let sound = """
        server: {host: 127.0.0.1, port: 3000}
        upstreams:
          shop: {targets: ["http://127.0.0.1:3001"]}
          people:
            targets: ["http://127.0.0.1:3002"]
        routes:
          - name: details
            path: /c/{id}/details
            cache: {ttl: 60s}
            aggregate:
              parts:
                c: {upstream: shop, path: "/c/{id}", tags: ["c:{id}"]}
                owner:
                  upstream: people
                  path: /p/{c.owner}
                  tags: ["p:{c.owner}"]
          - {name: c, path: "/c/{id}", upstream: shop, cache: {ttl: 60s, tags: ["c:{id}"]}}
          - name: change
            path: /p/{id}
            methods: [PUT]
            upstream: people
            invalidates: "p:{id}"
        invalidation:
          on:
            - {service: shop, events: [Changed], tags: ["c:{data.number}"]}
        """

    private static let spoilt: [(change: (String, String), warnings: [String])] = [
        (("", ""), []),
        (
            (#"tags: ["p:{c.owner}"]"#, #"tags: ["p:{c.owner}", "shop:{c.shop}"]"#),
            [
                "g.yaml:16:33: warning: nothing takes away answers of `details` by their tag "
                    + "`shop:{c.shop}`"
            ]
        ),
        (
            (#"invalidates: "p:{id}""#, #"invalidates: "q:{id}""#),
            [
                "g.yaml:16:18: warning: nothing takes away answers of `details` by their tag "
                    + "`p:{c.owner}`",
                "g.yaml:22:5: warning: no answer that is kept is tagged `q:{id}`, so `change`",
            ]
        ),
        (
            (#"["c:{data.number}"]"#, #"["c:{data.number}", "cc:x:{id}"]"#),
            [
                "g.yaml:25:68: warning: no answer that is kept is tagged `cc:x:{id}`, so this rule"
            ]
        ),
        (
            ("upstream: people\n          path: /p", "upstream: shop\n          path: /p"),
            []
        ),
        (
            ("  people:\n", "  spare: {targets: [\"http://b:1\"]}\n  people:\n"),
            ["g.yaml:4:3: warning: no route asks the upstream `spare`; try: a route with"]
        ),
        (
            ("http://127.0.0.1:3002", "http://LocalHost:3000"),
            ["g.yaml:5:15: warning: LocalHost:3000 is where this gateway listens itself"]
        ),
        (
            ("127.0.0.1, port: 3000", "0.0.0.0, port: 3001"),
            ["g.yaml:3:20: warning: 127.0.0.1:3001"]
        ),
        (("127.0.0.1, port: 3000", "10.0.0.1, port: 3001"), []),
        (("127.0.0.1, port: 3000", "\"::1\", port: 3001"), []),
    ]

    @Test(arguments: ConfigurationWarningsTests.spoilt.indices)
    func whatIsProbablyNotMeantIsNamedWhereItStands(index: Int) throws {
        let (change, expected) = Self.spoilt[index]
        #expect(change.0.isEmpty || Self.sound.contains(change.0))

        let found = try Self.all(Self.sound.replacing(change.0, with: change.1))

        #expect(found.count == expected.count, "\(found)")
        for (warning, beginning) in zip(found, expected) {
            #expect(warning.hasPrefix(beginning), "\(warning)")
            #expect(warning.contains("; try: "), "\(warning)")
        }
    }

    /// A change at the path of a kept answer takes it away by itself.
    @Test func tagsOfWhatIsChangedAtItsOwnPathAreRaised() throws {
        let change = "  - {name: put, path: \"/c/{n}\", methods: [PUT], upstream: shop}\n"
        let silent = Self.sound.replacing(
            "events: [Changed], tags: [\"c:{data.number}\"]",
            with: "events: [Changed], tags: [\"p:{id}\"]")

        #expect(try Self.all(silent).count == 2)
        #expect(
            try Self.all(silent.replacing("invalidation:", with: change + "invalidation:")) == [])
    }

    @Test(arguments: [
        ("order:{id}", "order:{data.a}", true), ("order:{id}", "order:7", true),
        ("order:{id}", "order:", false), ("order:{id}", "user:{id}", false),
        ("order:{id}", "order:{a}:{b}", false), ("o-{a}", "o-{b}-{c}", true),
        ("a-{x}", "b-{x}", false), ("{x}-a", "{x}-b", false), ("all", "all", true),
        ("all", "al", false), ("{type}:{id}", "order:{subject}", true),
    ])
    func tagsMeetWhereSomeValuesMakeThemOne(one: String, other: String, meet: Bool) throws {
        let (one, other) = (try TagTemplate(one), try TagTemplate(other))

        #expect(one.meets(other) == meet)
        #expect(other.meets(one) == meet)
    }

    @Test func theFileWeShipIsWarnedOfNothing() throws {
        #expect(try Self.all(try DeployedConfigurationTests.text()) == [])
    }

    @Test func keptAddressThatIsChangedWithoutTagsIsNamed() throws {
        let apart = try warnings(
            #"name: get, path: "/c/{x}", upstream: up, cache: {ttl: 60s}"#,
            #"name: put, path: "/c/{y}", methods: [PUT], upstream: up"#)
        let together = try warnings(
            #"name: c, path: "/c", methods: [GET, POST], upstream: up, cache: {ttl: 60s}"#)

        #expect(apart.count == 1)
        #expect(apart[0].hasPrefix("`get` keeps answers of /c/{x} without `tags`, and `put`"))
        #expect(together.count == 1)
        #expect(together[0].hasPrefix("`c` keeps answers of /c without `tags`, and it "))
    }

    /// Nobody deletes the search, although its address is one of theirs.
    @Test func anAddressOfItsOwnIsNotTakenForOneOfTheOthers() throws {
        let search = #"name: s, path: "/c/search", upstream: up, cache: {ttl: 60s}"#

        #expect(
            try warnings(
                search, #"name: put, path: "/c/{y}", methods: [PUT], upstream: up"#
            ).isEmpty)
        #expect(
            try warnings(
                search, #"name: put, path: "/c/search", methods: [PUT], upstream: up"#
            ).count == 1)
    }

    @Test func tagsOfEitherAreEnough() throws {
        let put = #"name: put, path: "/c/{y}", methods: [PUT], upstream: up"#
        #expect(
            try warnings(
                #"name: get, path: "/c/{x}", upstream: up, cache: {ttl: 60s, tags: ["c:{x}"]}"#, put
            ).isEmpty)
        #expect(
            try warnings(
                #"name: get, path: "/c/{x}", upstream: up, cache: {ttl: 60s}"#,
                put + #", invalidates: ["c:{y}"]"#
            ).isEmpty)
        #expect(
            try warnings(
                #"name: get, path: "/c/{x}", upstream: up, cache: {ttl: 60s}"#,
                #"name: put, path: "/d/{y}", methods: [PUT], upstream: up"#
            ).isEmpty)
    }
}
