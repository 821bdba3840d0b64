import PlainText

/// How idempotency keys are made, as a saga's ledger notes it.
///
/// A saga keeps the form that it began with: another key for the same call would do it twice.
package enum KeyForm: String, Hashable, Sendable {
    /// `<saga>:<step>`, of the versions before; the ledger has no note of it.
    case sagaAndStep = ""
    /// `<system>:<route>:<saga>:<participant>:<step>`.
    case named = "2"

    /// The field of a ledger that notes it.
    package static let field = "form"

    /// The form of a step that an event starts.
    ///
    /// The event says so, and not the ledger, which may not be there yet: however often it is
    /// delivered, and by whichever version, it stays the same.
    package init(startedBy route: String?) {
        self = route == nil ? .sagaAndStep : .named
    }
}

/// Makes the keys under which the outside world knows a step of a saga.
package struct IdempotencyKeys: Hashable, Sendable {
    package var system: String
    package var route: String
    package var form: KeyForm

    /// What stands for a system without a namespace.
    package static let systemDefault = "troupe"

    package init(namespace: String, route: String, form: KeyForm) {
        system = namespace.isEmpty ? Self.systemDefault : namespace
        self.route = route
        self.form = form
    }

    /// Names what the step does.
    package func doKey(_ sagaID: String, _ participant: String, _ step: String) -> String {
        switch form {
        case .sagaAndStep: "\(sagaID):\(step)"
        case .named:
            PercentEncoding.encode(system) + ":\(route):" + PercentEncoding.encode(sagaID)
                + ":\(participant):\(step)"
        }
    }

    /// The saga whose step of that name a key stands for; nil if it is none of this participant's.
    package func saga(of key: String, _ participant: String, _ step: String) -> String? {
        let beginning = PercentEncoding.encode(system) + ":\(route):"
        let end = ":\(participant):\(step)"
        guard form == .named, key.hasPrefix(beginning), key.hasSuffix(end),
            key.utf8.count > beginning.utf8.count + end.utf8.count
        else { return nil }
        let name = key.dropFirst(beginning.count).dropLast(end.count)
        guard !name.contains(":") else { return nil }
        return PercentEncoding.decode(String(name))
    }

    /// Names another call about the same step.
    package func key(
        _ sagaID: String, _ participant: String, _ step: String, for call: String
    ) -> String {
        switch form {
        case .sagaAndStep: "\(sagaID):\(call)"
        case .named: doKey(sagaID, participant, step) + ":\(call)"
        }
    }
}
