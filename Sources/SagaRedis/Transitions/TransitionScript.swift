import Redis

/// The one atomic step, for all transitions of one shape: compare and set one ledger field, with
/// all that goes with it.
///
///     KEYS  what all of them share: the streams of their events, the timers
///           of each in turn: its ledger, if it has a mark; its records
///     ARGV  of each in turn: its values, in the order in which its shape has them
///
///     for each transition
///     1                   applied
///     {'state', text}     the ledger holds something else: its text
///     {'check', number}   the check of that number does not hold
///
/// A script has no rollback. So all checks of a transition come before its first write, and that
/// first write, which is to a record, may fail by itself: on another type of record, on a server
/// without memory to spare. Every further record is checked for its type beforehand. An error
/// ends the script, with what came before applied: `TransitionQueue` then runs each alone.
///
/// A ledger's time to live is set when it comes to be and when its field's last event is older
/// than a quarter of an hour, which the first digits of their IDs tell: three of the seven that
/// an order would need are saved so. A blocked saga's ledger does not expire; the transition that
/// gets its step out of `done` or `unknown` unblocks it. One out of nothing does not: a tombstone
/// knows of nothing to undo, and so has nothing to say of what is blocked.
final class TransitionScript: Sendable {
    /// How much longer a ledger has to live because its time is not set anew each time.
    private static let refreshSeconds = 3600
    /// Fields of one command; a function in Lua can name some 200 things at a time.
    static let fieldsMaximum = 64

    let script: RedisScript
    /// Keys that its transitions have in common.
    let sharedKeys: RedisArguments

    init(_ shape: TransitionShape, names: ServiceKeys, ledgerTimeToLive: Duration) {
        var compiler = TransitionCompiler(
            names, ledgerSeconds: ledgerTimeToLive.wholeSeconds + Self.refreshSeconds)
        compiler.read(shape.pieces)
        var keys = RedisArguments()
        for key in compiler.sharedKeys { keys.append(key) }
        sharedKeys = keys
        script = RedisScript(compiler.text)
    }
}
