/// What has come of the events for which a step, or a pivot, waits together.
///
/// A field of the ledger: the word `came:HotelBooked,FlightBooked`, and in the note the payloads
/// in the same order. One that somebody had before stands there twice, first without its payload,
/// which versions that know nothing of that read as the one that it is.
package struct JoinState: Hashable, Sendable {
    package struct Arrival: Hashable, Sendable {
        package var type: String
        package var payload: [UInt8]
        /// Whether somebody had it before, who may have gone by it alone.
        package var isAgain: Bool

        package init(type: String, payload: [UInt8], isAgain: Bool = false) {
            self.type = type
            self.payload = payload
            self.isAgain = isAgain
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
        came = []
        for (type, payload) in zip(types, payloads) {
            let isAgain = came.last?.type == String(type)
            if isAgain { came.removeLast() }
            came.append(Arrival(type: String(type), payload: Array(payload), isAgain: isAgain))
        }
    }

    package var word: String {
        came.isEmpty ? "" : Self.prefix + written.map(\.type).joined(separator: ",")
    }

    package var note: String {
        String(
            decoding: Array(written.map(\.payload).joined(separator: [Self.separator])),
            as: UTF8.self)
    }

    private var written: [Arrival] {
        came.flatMap { $0.isAgain ? [Arrival(type: $0.type, payload: []), $0] : [$0] }
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
    /// All have come; their payloads in the order in which they are waited for, and whether
    /// somebody had any of them before.
    case open([[UInt8]], isAgain: Bool)
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
        if payloads.count == awaited.count {
            let isAgain = arrival.isAgain || state.came.contains(where: \.isAgain)
            return .open(payloads, isAgain: isAgain)
        }
        return isNew ? .keep(JoinState(came: state.came + [arrival])) : .wait
    }
}
