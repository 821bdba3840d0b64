/// How many pieces of a product an event, or a record, may speak of.
///
/// Events come from a stream that anybody with a right to it can write to. A number that makes no
/// sense is found where it is read, before anything is added to a stock or taken from it.
public enum Pieces {
    /// At least one, and so few that sums of them stay far within an `Int`.
    public static let range = 1...1_000_000_000

    /// Reads a number of pieces as a record has it.
    public static func read(_ text: String?) -> Int? {
        text.flatMap { Int($0) }.flatMap { range.contains($0) ? $0 : nil }
    }
}

extension KeyedDecodingContainer {
    /// Decodes a number of pieces; anything else is a decoding error.
    func decodePieces(
        forKey key: Key, in range: ClosedRange<Int> = Pieces.range
    ) throws -> Int {
        let count = try decode(Int.self, forKey: key)
        guard range.contains(count) else {
            throw DecodingError.dataCorruptedError(
                forKey: key, in: self,
                debugDescription: "\(count) is not within \(range.lowerBound) to "
                    + "\(range.upperBound) pieces")
        }
        return count
    }
}
