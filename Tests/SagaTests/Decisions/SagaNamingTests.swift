import PlainText
import Saga
import Testing

/// Sagas of different routes never meet, whatever their IDs are.
@Suite(.timeLimit(.minutes(1)))
struct SagaNamingTests {
    private static let routes = ["order", "renewal", "o"]
    private static let sagaIDs = [
        "1", "renewal/1", "order/1", "order/renewal/1", "renewal/order/1", "o/1", "o/o/1", "/1",
        "renewal", "renewal/", "a/b", "1:x{y}", "%2F", "",
    ]

    @Test func noTwoSagasHaveTheSameName() {
        let naming = SagaNaming(Self.routes)
        var names: Set<String> = []
        var keys: Set<String> = []
        for route in Self.routes {
            for sagaID in Self.sagaIDs {
                let name = naming.name(sagaID, on: route)
                #expect(names.insert(name).inserted, "\(name)")
                #expect(keys.insert(naming.encoded(name)).inserted, "\(name)")
                #expect(naming.sagaID(of: name) == sagaID)
                #expect(naming.route(of: name) ?? Self.routes[0] == route)
            }
        }
    }

    @Test func theFirstRouteKeepsItsKeys() {
        let naming = SagaNaming(Self.routes)

        #expect(naming.name("7", on: "order") == "7")
        #expect(naming.encoded(naming.name("7", on: "renewal")) == "renewal/7")
        #expect(naming.encoded(naming.name("a/7", on: "renewal")) == "renewal/a%2F7")
        #expect(naming.encoded(naming.name("a/7", on: "order")) == "a%2F7")
    }

    @Test func whereThereIsOneRouteAnIDIsAName() {
        for naming in [SagaNaming([]), SagaNaming(["order"])] {
            for sagaID in Self.sagaIDs {
                #expect(naming.name(sagaID, on: "order") == sagaID)
                #expect(naming.encoded(sagaID) == PercentEncoding.encode(sagaID))
            }
        }
    }
}
