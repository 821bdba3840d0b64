import Saga
import TroupeRedis

/// The one atomic step, for all transitions of one shape: compare and set one ledger field, with
/// all that goes with it.
///
///     KEYS  what all of them share: the streams of their events, the timers
///           of each in turn: its ledger, if it has a mark; its records
///     ARGV  of each in turn: its values, in the order in which its shape has them
///
///     for each transition
///     1                      applied
///     {'silent', error}      applied, but its PUBLISH was refused
///     {'state', text}        the ledger holds something else: its text
///     {'check', number}      the check of that number does not hold
///     {'type', number}       what all of them share has another type at that number
///     {'ledger', error}      the ledger cannot be read
///     {'error', 0, text}     it failed, and nothing of it stands
///     {'error', 1, text}     it failed after it had begun to write; the ledger says so
///
/// A script has no rollback. So all checks of a transition come before its first write: every
/// record but the first is checked for its type, and whether a sum stays within 64 bits; what all
/// of them share, and the rights to all that will be written, once for all.
///
/// Events come before everything else. As long as the script runs nobody has seen them, so they
/// can be taken back, and their streams may fail: nobody can cheaply look up whether one has IDs
/// left. The first record is written next and may fail by itself too, on another type of record,
/// on a server without memory to spare. Then come the ledger, timers, and all further records in
/// the order of the handler; so what a service sets last, as the note that a client's key is used,
/// stands only if everything else does.
///
/// What fails after the first record was written is what nobody foresaw. Its events are taken
/// back, so that nobody acts on them; its ledger says `unknown`, with what it held before, and is
/// blocked, in the same moment: neither another delivery nor another process runs it again.
///
/// One that fails harms no other: the rest is run all the same. When the server itself refuses
/// the first of them, the script fails as a whole, so that the connection hears of it.
///
/// A ledger gets a time to live from the transition after which nothing is left to be done in it,
/// and from the end of its saga; before that it has none. A blocked saga's ledger does not expire;
/// any transition of the step at which it is blocked unblocks it, also one that leaves it as
/// unknown as it was. But for one out of nothing: a tombstone knows of nothing to undo, and so has
/// nothing to say of what is blocked.
final class TransitionScript: Sendable {
    /// Fields of one command; a function in Lua can name some 200 things at a time.
    static let fieldsMaximum = 64

    let script: RedisScript
    /// Keys that its transitions have in common.
    let sharedKeys: RedisArguments
    let sharedKeyNames: [String]

    init(_ shape: TransitionShape, names: ServiceKeys, ledgers: LedgerLife) {
        var compiler = TransitionCompiler(names, ledgers: ledgers)
        compiler.read(shape.pieces)
        var keys = RedisArguments()
        for key in compiler.sharedKeys { keys.append(key) }
        sharedKeys = keys
        sharedKeyNames = compiler.sharedKeys
        script = RedisScript(compiler.text)
    }
}
