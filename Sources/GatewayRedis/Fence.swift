import Gateway
import NIOCore

/// What a gateway sends itself through the node that keeps some streams.
///
/// Once it is back, everything published before it has come, and everything before the moment at
/// which it was sent can be dated by it.
struct Fence: Hashable, Sendable {
    /// When it was sent, on this gateway's clock.
    var sent: Moment
    /// Which group of streams it counts.
    var group: Int
    /// Entries ever added to each of them.
    var added: [Int] = []

    /// What its message begins with; the node adds the numbers.
    var prefix: String { "\(sent.nanoseconds) \(group)" }

    /// The fence in a message; nil if it is none.
    init?(_ payload: ByteBuffer) {
        let numbers = String(buffer: payload).split(separator: " ").map { Int64($0) }
        guard numbers.count >= 2, let sent = numbers[0], let group = numbers[1] else { return nil }
        self.sent = Moment(nanoseconds: sent)
        self.group = Int(group)
        for number in numbers.dropFirst(2) {
            guard let number else { return nil }
            added.append(Int(number))
        }
    }

    init(sent: Moment, group: Int) {
        self.sent = sent
        self.group = group
    }
}
