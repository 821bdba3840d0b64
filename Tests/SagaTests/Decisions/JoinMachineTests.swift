import Saga
import Testing

/// Several events that are waited for together.
@Suite(.timeLimit(.minutes(2)))
struct JoinMachineTests {
    private static let awaited = ["HotelBooked", "FlightBooked", "CarBooked"]

    /// Each of three events comes twice, in every order, also after all have come.
    @Test func inEveryOrderWhatWaitsRunsOnceAllHaveComeAndNeverBefore() {
        let orders = Self.orders(of: Self.awaited + Self.awaited)
        #expect(orders.count == 90)
        for order in orders {
            var entry = LedgerEntry(state: "", eventID: "")
            var seen: Set<String> = []
            for type in order {
                seen.insert(type)
                let arrival = JoinState.Arrival(type: type, payload: Self.payload(type))
                guard let state = JoinState(entry) else {
                    Issue.record("\(entry) is not a join")
                    return
                }
                switch JoinMachine.action(arrival, in: state, of: Self.awaited) {
                case .keep(let next):
                    entry = LedgerEntry(
                        LedgerEntry(state: next.word, eventID: type, note: next.note).text)
                    #expect(seen.count < 3)
                case .wait:
                    #expect(state.came.map(\.type).contains(type))
                case .open(let payloads, _):
                    #expect(seen.count == 3)
                    #expect(payloads == Self.awaited.map(Self.payload))
                }
            }
            #expect(JoinState(entry)?.came.count == 2, "the last one is not kept")
        }
    }

    /// A version that does not know of it finds the event, and its payload.
    @Test func thatSomebodyHadAnEventBeforeIsKept() throws {
        let again = JoinState.Arrival(type: "HotelBooked", payload: [0x7B, 0x7D], isAgain: true)
        let awaited = ["HotelBooked", "FlightBooked"]
        guard case .keep(let kept) = JoinMachine.action(again, in: .nothing, of: awaited) else {
            Issue.record("it is not kept")
            return
        }

        let read = try #require(
            JoinState(LedgerEntry(state: kept.word, eventID: "e", note: kept.note)))
        let other = JoinState.Arrival(type: "FlightBooked", payload: [0x31])
        let action = JoinMachine.action(other, in: read, of: awaited)

        #expect(kept.word == "came:HotelBooked,HotelBooked")
        #expect(kept.note == "\u{1E}{}")
        #expect(read == kept)
        #expect(action == .open([[0x7B, 0x7D], [0x31]], isAgain: true))
    }

    @Test func whatIsNoLongerWaitedForOpensNothing() {
        let state = JoinState(came: [JoinState.Arrival(type: "TrainBooked", payload: [])])
        let arrival = JoinState.Arrival(type: "HotelBooked", payload: [0x7B, 0x7D])

        let action = JoinMachine.action(arrival, in: state, of: ["HotelBooked", "FlightBooked"])

        #expect(action == .keep(JoinState(came: state.came + [arrival])))
    }

    @Test(arguments: ["done", "came:HotelBooked,FlightBooked"])
    func whatIsNoJoinIsTold(_ word: String) {
        #expect(JoinState(LedgerEntry(state: word, eventID: "e", note: "{}")) == nil)
    }

    /// With spaces and every kind of sign, as payloads have them.
    private static func payload(_ type: String) -> [UInt8] {
        Array(#"{"type": "\#(type)", "name": "a b  \u001e é"}"#.utf8)
    }

    private static func orders(of types: [String]) -> Set<[String]> {
        guard let last = types.last else { return [[]] }
        var orders: Set<[String]> = []
        for order in Self.orders(of: types.dropLast()) {
            for place in 0...order.count {
                var longer = order
                longer.insert(last, at: place)
                orders.insert(longer)
            }
        }
        return orders
    }
}
