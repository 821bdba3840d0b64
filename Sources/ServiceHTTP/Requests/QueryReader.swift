public import Hummingbird
import PlainText

/// Reads the query of a request and remembers everything that is wrong.
///
///     let page = try request.readQuery { query in
///         Page(limit: query.integer("limit", in: 1...100) ?? 20, after: query.identifier("after"))
///     }
///
/// Parameters that nobody asks for are ignored, those given twice are faults.
public final class QueryReader {
    private let parameters: [(name: String, value: String?)]
    fileprivate var faults: [Problem.Fault] = []

    fileprivate init(query: String) {
        self.parameters = query.split(separator: "&").prefix(64).map { part in
            let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = PercentEncoding.decode(pair[0], plusIsSpace: true) ?? String(pair[0])
            let value = pair.count == 2 ? pair[1] : ""
            return (name, PercentEncoding.decode(value, plusIsSpace: true))
        }
    }

    /// An integer within a range; nil if it is missing or faulty.
    public func integer(_ name: String, in range: ClosedRange<Int>) -> Int? {
        guard let text = text(name) else { return nil }
        guard let number = Int(text), range.contains(number), text.utf8.count <= 20 else {
            report(name, "must be an integer from \(range.lowerBound) to \(range.upperBound)")
            return nil
        }
        return number
    }

    /// An ID; nil if it is missing or faulty.
    public func identifier(_ name: String) -> String? {
        guard let text = text(name) else { return nil }
        guard let identifier = ResourceID.normal(text) else {
            report(name, ResourceID.rule)
            return nil
        }
        return identifier
    }

    /// A text of up to so many bytes, whatever it holds; nil if it is missing or faulty.
    public func string(_ name: String, bytesMaximum: Int = 256) -> String? {
        guard let text = text(name) else { return nil }
        guard text.utf8.count <= bytesMaximum else {
            report(name, "must have at most \(bytesMaximum) bytes")
            return nil
        }
        return text
    }

    /// Whether the parameter is there, with or without a value.
    public func has(_ name: String) -> Bool {
        parameters.contains { $0.name == name }
    }

    /// Adds a fault of the caller's own finding, worded to follow the parameter's name.
    public func report(_ name: String, _ detail: String) {
        faults.append(Problem.Fault(.parameter(name), detail))
    }

    private func text(_ name: String) -> String? {
        let found = parameters.filter { $0.name == name }
        guard let first = found.first else { return nil }
        guard found.count == 1 else {
            report(name, "is given \(found.count) times")
            return nil
        }
        if first.value == nil { report(name, "is not valid percent-encoded UTF-8") }
        return first.value
    }
}

extension Request {
    /// Reads the query.
    ///
    /// Throws a 400 that names every faulty parameter.
    public func readQuery<Result>(_ read: (QueryReader) -> Result) throws(Problem) -> Result {
        let reader = QueryReader(query: uri.query ?? "")
        let result = read(reader)
        guard reader.faults.isEmpty else { throw .invalid(reader.faults) }
        return result
    }
}
