import PlainText

// What can be told once it is known which events services emit. A service that has never run where
// one looks says nothing about its events; a name that is another's event is a slip all the same.

extension GatewayConfiguration {
    /// What its invalidation rules wait for in vain, in the order of the file.
    ///
    /// - Parameter declared: by service, the types of event that it emits; a service of which that
    ///   is not known is left out.
    /// - Returns: slips, and services of which nothing can be told.
    public func faults(
        declared: [String: Set<String>]
    ) -> (faults: [ConfigurationFault], warnings: [ConfigurationWarning]) {
        var faults: [ConfigurationFault] = []
        var warnings: [ConfigurationWarning] = []
        for (index, rule) in invalidation.enumerated() {
            let path = "invalidation.on[\(index)]"
            if let known = declared[rule.service] {
                faults += unsaid(by: rule, known, declared, path)
            } else if let speaker = Self.speaker(of: rule.events, declared) {
                let message =
                    "no service `\(rule.service)` has declared any event, and `\(speaker.event)` "
                    + "is one of `\(speaker.service)`; did you mean `\(speaker.service)`?"
                faults.append(fault(at: path + ".service", message))
            } else {
                let nearest = Spelling.nearest(to: rule.service, of: declared.keys)
                warnings.append(
                    ConfigurationWarning(
                        file: places.file, place: places[path + ".service"],
                        message: "no service `\(rule.service)` has declared any event: it has not "
                            + "run on this Redis yet, so its rules cannot be checked",
                        remedy: nearest.map { "the spelling `\($0)`, if that is meant" }
                            ?? "the same once it has run"))
            }
        }
        return (faults.sorted { $0.place < $1.place }, warnings)
    }

    private func unsaid(
        by rule: InvalidationRule, _ known: Set<String>, _ declared: [String: Set<String>],
        _ path: String
    ) -> [ConfigurationFault] {
        rule.events.enumerated().filter { !known.contains($1) }.map { place, event in
            var message = "the service `\(rule.service)` emits no event `\(event)`"
            if let speaker = Self.speaker(of: [event], declared) {
                message += "; `\(speaker.service)` does"
            } else if let nearest = Spelling.nearest(to: event, of: known) {
                message += "; did you mean `\(nearest)`?"
            } else {
                message += "; it emits "
                message += known.sorted().map { "`\($0)`" }.joined(separator: ", ")
            }
            return fault(at: "\(path).events[\(place)]", message)
        }
    }

    private func fault(at path: String, _ message: String) -> ConfigurationFault {
        ConfigurationFault(
            file: places.file, place: places[path], message: "\(path): \(message)")
    }

    /// Who emits one of these events.
    private static func speaker(
        of events: [String], _ declared: [String: Set<String>]
    ) -> (service: String, event: String)? {
        for event in events {
            let speakers = declared.filter { $0.value.contains(event) }.keys
            if let service = speakers.min() { return (service, event) }
        }
        return nil
    }
}
