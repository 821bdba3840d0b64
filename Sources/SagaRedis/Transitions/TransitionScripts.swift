import Synchronization

/// The scripts of the shapes that were met, compiled once each.
///
/// A service that makes up names of fields from its input has no end of shapes. The server keeps
/// every script that it has seen; so when there are many, names become values, and what is left
/// of the shapes are the commands.
final class TransitionScripts: Sendable {
    private struct Known {
        var special: [TransitionShape: TransitionScript] = [:]
        var general: [TransitionShape: TransitionScript] = [:]
    }

    /// Scripts of either kind.
    static let maximum = 256

    private let known = Mutex(Known())
    private let names: ServiceKeys
    private let ledgers: LedgerLife

    init(names: ServiceKeys, ledgers: LedgerLife) {
        self.names = names
        self.ledgers = ledgers
    }

    /// The script of a shape; nil if there are too many already.
    func script(for shape: TransitionShape) -> TransitionScript? {
        known.withLock { known in
            if let script = known.special[shape] { return script }
            guard known.special.count < Self.maximum else { return nil }
            let script = compile(shape)
            known.special[shape] = script
            return script
        }
    }

    /// The script of a shape in which names of fields are values.
    func generalScript(for shape: TransitionShape) -> TransitionScript {
        known.withLock { known in
            if let script = known.general[shape] { return script }
            if known.general.count == Self.maximum { known.general = [:] }
            let script = compile(shape)
            known.general[shape] = script
            return script
        }
    }

    private func compile(_ shape: TransitionShape) -> TransitionScript {
        TransitionScript(shape, names: names, ledgers: ledgers)
    }
}
