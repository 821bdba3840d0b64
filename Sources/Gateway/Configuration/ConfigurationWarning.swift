/// One thing in a configuration that works and is probably not meant, and where.
public struct ConfigurationWarning: Sendable, Equatable, CustomStringConvertible {
    /// The file as it was named by the caller.
    public var file: String
    /// Where in the file.
    public var place: ConfigurationPlace
    /// What there is, and what follows from it.
    public var message: String
    /// The next step.
    public var remedy: String

    /// `file:line:column: warning: message; try: remedy`, the form that editors understand.
    public var description: String {
        "\(file):\(place.line):\(place.column): warning: \(message); try: \(remedy)"
    }
}

extension GatewayConfiguration {
    /// Where a value stands in the file that it was read from, by its path: `server.port`.
    package func place(of path: String) -> ConfigurationPlace { places[path] }
}

/// Where the values of a configuration stand, by their path: `routes[2].cache.tags[0]`.
struct ConfigurationPlaces: Sendable {
    var file = ""
    private var places: [String: ConfigurationPlace] = [:]

    mutating func note(_ place: ConfigurationPlace, of path: String) { places[path] = place }

    /// The place of a value; a list that was written without brackets stands for its one value.
    subscript(path: String) -> ConfigurationPlace {
        var path = Substring(path)
        while !path.isEmpty {
            if let place = places[String(path)] { return place }
            path = path.prefix(upTo: path.lastIndex { $0 == "." || $0 == "[" } ?? path.startIndex)
        }
        return ConfigurationPlace()
    }
}
