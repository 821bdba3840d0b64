import Gateway
import Testing

@Suite(.timeLimit(.minutes(3)))
struct GatewayConfigurationTests {
    static let valid = """
        server:
          port: 3000
          limits: {body: 64KiB}
          timeouts: {idle: 5s, header: 200ms}
          access_log: {hits: 1%}
        upstreams:
          orders:
            targets: [http://127.0.0.1:3003, "http://127.0.0.1:4003"]
            timeout: 3s
            retry: {attempts: 3, per_try_timeout: 1s, budget: 50%}
          users: {targets: http://localhost:3001}
        routes:
          - name: create-order
            path: /orders
            methods: [POST]
            upstream: orders
          - name: order
            path: /orders/{id}
            upstream: orders
            upstream_path: /v1/orders/{id}
            cache: {ttl: 1m, jitter: 20%, negative_ttl: 1s, vary_query: [view], tags: "order:{id}"}
            invalidates: ["order:{id}"]
          - name: details
            path: /orders/{id}/details
            aggregate:
              parts:
                order: {upstream: orders, path: "/orders/{id}", tags: ["order:{id}"]}
                user:
                  upstream: users
                  path: /users/{order.userId}
                  on_error: default
                  default: {name: unknown, age: 7}
                  select: [id, name]
                  tags: ["user:{order.userId}"]
                payment: {upstream: users, path: "/p/{id}", absent: null, on_error: omit}
        invalidation:
          on:
            - {service: order, events: [OrderCreated], tags: ["order:{subject}"]}
        """

    @Test func everythingIsReadFromTheFile() throws {
        let configuration = try GatewayConfiguration(yaml: Self.valid, file: "gateway.yaml")

        #expect(configuration.server.limits.body == 65_536)
        #expect(configuration.server.headerTimeout == .milliseconds(200))
        #expect(configuration.server.accessLog.hitShare == 0.01)
        let orders = configuration.upstreams[0]
        #expect(orders.targets.map(\.authority) == ["127.0.0.1:3003", "127.0.0.1:4003"])
        #expect(orders.attempts == 3)
        #expect(orders.retryBudget == 0.5)
        let route = configuration.routes[1]
        #expect(route.cache?.lifetime == .seconds(60))
        #expect(route.cache?.varyingQuery == ["view"])
        #expect(route.invalidates == [try TagTemplate("order:{id}")])
        #expect(configuration.invalidation[0].service == "order")
    }

    @Test func partsKnowWhatTheyWaitFor() throws {
        let configuration = try GatewayConfiguration(yaml: Self.valid, file: "gateway.yaml")
        guard case .aggregate(let plan) = configuration.routes[2].source else {
            Issue.record("no aggregate")
            return
        }

        #expect(plan.parts.map(\.name) == ["order", "user", "payment"])
        #expect(plan.parts.map(\.dependencies) == [[], [0], []])
        #expect(plan.parts[1].failure == .substitute(Array(#"{"name":"unknown","age":7}"#.utf8)))
        #expect(plan.parts[2].absence == .null)
    }

    static func faults(_ yaml: String) -> [String] {
        do {
            _ = try GatewayConfiguration(yaml: yaml, file: "g.yaml")
            return []
        } catch {
            return error.faults.map(\.description)
        }
    }

    @Test func whatIsMissingIsToldOnce() {
        #expect(
            Self.faults("upstreams: {orders: {targets: []}}") == [
                "g.yaml:1:1: `routes` is missing",
                "g.yaml:1:31: upstreams.orders.targets: at least one URL expected",
            ])
    }

    @Test func allFaultsAreToldWithTheirPlaces() {
        let faults = Self.faults(
            """
            upstreams:
              orders:
                targets: [http://127.0.0.1:3003/path]
                tiemout: 5s
            routes:
              - name: order
                path: /orders/{id}
                upstream: order
                cache: {ttl: soon}
              - name: order
                path: /orders/{key}
                methods: [GET, FETCH]
                upstream: orders
            auth: {}
            """)

        #expect(
            faults == [
                "g.yaml:3:15: upstreams.orders.targets[0]: `http://host:port` without a path "
                    + "expected",
                "g.yaml:4:5: upstreams.orders.tiemout: unknown name; did you mean `timeout`?",
                "g.yaml:8:15: routes[0].upstream: there is no upstream `order`; "
                    + "did you mean `orders`?",
                "g.yaml:9:18: routes[0].cache.ttl: a duration such as `5s`, `200ms` or `1m`, "
                    + "at least 0.001 seconds expected",
                "g.yaml:10:5: routes[1]: another route is named `order` already",
                "g.yaml:10:5: routes[1]: GET /orders/{key} is answered by `order` already",
                "g.yaml:12:20: routes[1].methods[1]: one of GET, HEAD, POST, PUT, PATCH, DELETE, "
                    + "OPTIONS expected",
                "g.yaml:14:7: auth: authentication is not supported by this version; "
                    + "leave `auth` out",
            ])
    }

    static func parts(_ parts: String) -> [String] {
        faults(
            """
            upstreams: {a: {targets: ["http://h:1"]}}
            routes:
              - name: r
                path: /r/{id}
                aggregate:
                  parts:
            """ + "\n" + parts.split(separator: "\n").map { "        \($0)\n" }.joined())
    }

    @Test func partsThatWaitForEachOtherAreRefused() {
        let faults = Self.parts(
            """
            one: {upstream: a, path: "/{two.x}"}
            two: {upstream: a, path: "/{three.x}"}
            three: {upstream: a, path: "/", depends_on: one}
            """)

        #expect(faults.count == 1)
        #expect(faults.first?.hasPrefix("g.yaml:7:34: ") == true)
        #expect(
            faults.first?.hasSuffix("parts wait for each other: one → two → three → one") == true)
    }

    @Test(arguments: [
        (#"one: {upstream: a, path: "/{two.x}"}"#, "there is no part `two`"),
        (#"one: {upstream: a, path: "/{ib}"}"#, "no parameter `{ib}`; did you mean `{id}`?"),
        (#"one: {upstream: a, path: "/{id"}"#, "a brace in `/{id` has no partner"),
        (#"one: {upstream: a, path: "/", tags: ["x:{two.y}"]}"#, "there is no part `two`"),
        (#"one: {upstream: a, path: "/", on_error: default}"#, "a JSON value under `default`"),
        (#"one: {upstream: a, path: "/", required: true, on_error: omit}"#, "`required`"),
        (#"one: {upstream: a, path: "/", on_eror: omit}"#, "did you mean `on_error`?"),
        (#"one: {upstream: a, path: "/", absent: maybe}"#, "one of `error`, `null`, `omit`"),
    ])
    func faultsOfPartsAreExplained(_ text: String, _ expected: String) {
        let faults = Self.parts(text)

        #expect(faults.count == 1)
        #expect(faults.first?.contains(expected) == true, "\(faults)")
    }

    @Test(arguments: ["", "a: [", "upstreams: {}\nupstreams: {}", "- 1", "\t", "a: *x"])
    func textThatIsNoConfigurationIsRefused(_ text: String) {
        #expect(!Self.faults(text).isEmpty)
    }
}
