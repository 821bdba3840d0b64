/// What has come of the events for which a step, or a pivot, waits together.
///
/// A field of the ledger: the word `came:HotelBooked,FlightBooked`, and in the note the payloads
/// in the same order.
package struct JoinState: Hashable, Sendable {
    package struct Arrival: Hashable, Sendable {
        package var type: String
        package var payload: [UInt8]

        package init(type: String, payload: [UInt8]) {
            self.type = type
            self.payload = payload
        }
    }

    package var came: [Arrival]

    package static let nothing = JoinState(came: [])

    package init(came: [Arrival]) {
        self.came = came
    }

    /// Nil if the entry is none of a join.
    package init?(_ entry: LedgerEntry) {
        guard !entry.state.isEmpty else {
            self = .nothing
            return
        }
        guard entry.state.hasPrefix(Self.prefix) else { return nil }
        let types = entry.state.dropFirst(Self.prefix.count).split(separator: ",")
        let payloads = entry.note.utf8.split(
            separator: Self.separator, omittingEmptySubsequences: false)
        guard types.count == payloads.count else { return nil }
        came = zip(types, payloads).map { Arrival(type: String($0), payload: Array($1)) }
    }

    package var word: String {
        came.isEmpty ? "" : Self.prefix + came.map(\.type).joined(separator: ",")
    }

    package var note: String {
        String(
            decoding: Array(came.map(\.payload).joined(separator: [Self.separator])), as: UTF8.self)
    }

    private static let prefix = "came:"
    /// ASCII's record separator, which JSON has only escaped.
    private static let separator: UInt8 = 0x1E
}

/// What is to be done with an event that is waited for together with others.
package enum JoinAction: Hashable, Sendable {
    /// Others have not come yet: keep it, and wait for them.
    case keep(JoinState)
    /// It was kept before, and others have not come yet.
    case wait
    /// All have come; their payloads in the order in which they are waited for.
    case open([[UInt8]])
}

/// Decides about events that are waited for together; pure, so that every order of them can be
/// explored.
///
///     first event ──keep──▶ came:A ──keep──▶ came:A,B ──the last one──▶ what waited for all runs
///
/// The last event is never kept: whoever delivers it runs what waited, and delivers it again if
/// that comes to no end. So what comes again of those before it finds one missing, and what comes
/// again of the last one finds what ran in the ledger of the step.
package enum JoinMachine {
    package static func action(
        _ arrival: JoinState.Arrival, in state: JoinState, of awaited: [String]
    ) -> JoinAction {
        var known: [String: [UInt8]] = [:]
        for earlier in state.came { known[earlier.type] = earlier.payload }
        let isNew = known[arrival.type] == nil
        if isNew { known[arrival.type] = arrival.payload }
        let payloads = awaited.compactMap { known[$0] }
        if payloads.count == awaited.count { return .open(payloads) }
        return isNew ? .keep(JoinState(came: state.came + [arrival])) : .wait
    }
}
