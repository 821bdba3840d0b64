import Gateway
import Testing

/// Rules against what services declare.
@Suite(.timeLimit(.minutes(1)))
struct DeclaredFaultsTests {
    private static let declared: [String: Set<String>] = [
        "order": ["OrderCreated", "OrderCancelled"], "car": ["CarBooked", "CarFailed"],
        "hotel": ["HotelCancelled"],
    ]

    /// - Returns: faults, then warnings.
    private func found(_ rules: String) throws -> [String] {
        let configuration = try GatewayConfiguration(
            yaml: """
                upstreams: {up: {targets: ["http://a:1"]}}
                routes:
                  - {name: a, path: "/a/{id}", upstream: up, cache: {ttl: 1s, tags: ["a:{id}"]}}
                invalidation:
                  on:
                    - service: hotel
                      events: [HotelCancelled]
                      tags: ["a:{subject}"]
                \(rules.split(separator: "\n").map { "    " + $0 }.joined(separator: "\n"))
                """, file: "g.yaml")
        let found = configuration.faults(declared: Self.declared)
        return found.faults.map(\.description) + found.warnings.map(\.description)
    }

    @Test(arguments: [
        ("- {service: order, events: [OrderCreated, OrderCancelled], tags: [\"a:{id}\"]}", []),
        (
            "- {service: order, events: [OrderCreated, OrderCanceled], tags: [\"a:{id}\"]}",
            [
                "g.yaml:9:47: invalidation.on[1].events[1]: the service `order` emits no event "
                    + "`OrderCanceled`; did you mean `OrderCancelled`?"
            ]
        ),
        (
            "- {service: order, events: CarFailed, tags: [\"a:{id}\"]}",
            [
                "g.yaml:9:24: invalidation.on[1].events[0]: the service `order` emits no event "
                    + "`CarFailed`; `car` does"
            ]
        ),
        (
            "- {service: car, events: [Sunshine], tags: [\"a:{id}\"]}",
            [
                "g.yaml:9:31: invalidation.on[1].events[0]: the service `car` emits no event "
                    + "`Sunshine`; it emits `CarBooked`, `CarFailed`"
            ]
        ),
        (
            "- {service: cars, events: [CarOwned, CarFailed], tags: [\"a:{id}\"]}",
            [
                "g.yaml:9:8: invalidation.on[1].service: no service `cars` has declared any event, "
                    + "and `CarFailed` is one of `car`; did you mean `car`?"
            ]
        ),
        (
            "- {service: flight, events: [FlightCancelled], tags: [\"a:{id}\"]}",
            [
                "g.yaml:9:8: warning: no service `flight` has declared any event: it has not run "
                    + "on this Redis yet, so its rules cannot be checked; try: the same once it "
                    + "has run"
            ]
        ),
        (
            "- {service: orders, events: [OrderPaid], tags: [\"a:{id}\"]}",
            [
                "g.yaml:9:8: warning: no service `orders` has declared any event: it has not run "
                    + "on this Redis yet, so its rules cannot be checked; try: the spelling "
                    + "`order`, if that is meant"
            ]
        ),
    ])
    func slipsAreNamedWhereTheyStand(rules: String, expected: [String]) throws {
        #expect(try found(rules) == expected)
    }
}
