/// When a client that ended its sending is asked whether it still waits; pure.
struct PresenceQuestion {
    let inputEnded: Moment
    /// When its request began: behind others that may be long after the end of its sending.
    let asked: Moment

    /// Time in which most answers come; nobody is asked before.
    private static let delay = Duration.milliseconds(200)

    /// - Parameter minorVersion: a client of HTTP/1.0 knows no interim answers and is never asked.
    func isDue(_ now: Moment, minorVersion: UInt8) -> Bool {
        minorVersion > 0 && max(inputEnded, asked) + Self.delay < now
    }
}
