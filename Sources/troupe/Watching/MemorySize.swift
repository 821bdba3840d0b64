/// Amounts of memory as Redis reads and writes them in its settings: `1gb` are 2^30 bytes.
enum MemorySize {
    private static let megabyte = 1 << 20
    private static let units = [(1 << 30, "gb"), (megabyte, "mb"), (1 << 10, "kb")]

    /// The largest unit that tells the amount exactly.
    static func text(_ bytes: Int) -> String {
        for (size, name) in units where bytes >= size && bytes.isMultiple(of: size) {
            return "\(bytes / size)\(name)"
        }
        return String(bytes)
    }

    /// Twice the amount in whole megabytes; what cannot be doubled stays as it is.
    static func twice(_ bytes: Int) -> Int {
        let (doubled, isTooMuch) = bytes.multipliedReportingOverflow(by: 2)
        guard !isTooMuch, doubled <= Int.max - megabyte else { return bytes }
        return (doubled + megabyte - 1) / megabyte * megabyte
    }
}
