;;; copilot-offline-ask.el --- Questions and conversations  -*- lexical-binding: t; -*-

;;; Commentary:

;; Answers are streamed into a buffer; the places in them are buttons.

;;; Code:

(require 'cl-lib)

(require 'copilot-offline-documents)

(defconst copilot-offline--place-regexp "\\([[:alnum:]_./\\+@~-]+\\):\\([0-9]+\\)\\(?:-[0-9]+\\)?"
  "A place in an answer.")

(defvar copilot-offline--number 0 "How many answers there were.")
(cl-defstruct (copilot-offline--answer (:constructor copilot-offline--make-answer))
  token work start chat over)

(defconst copilot-offline--invalid-params -32602)
(defvar copilot-offline--running nil "The answer that is being given, or nil.")
(defvar copilot-offline--conversation nil "The conversation that `copilot-offline-chat' goes on with.")

(defvar-local copilot-offline--answer-root nil "The root of the repository that was asked about.")

(defvar copilot-offline-answer-mode-map
  (let ((map (make-sparse-keymap)))
    (define-key map (kbd "C-c C-c") #'copilot-offline-cancel)
    map))

(define-derived-mode copilot-offline-answer-mode special-mode "Copilot answer"
  "Answers of the copilot.
RET or a click on a place goes there, \\[copilot-offline-cancel] stops, q closes."
  (setq-local word-wrap t)
  (setq truncate-lines nil))

(defun copilot-offline--answer-buffer ()
  "The buffer of answers."
  (let ((buffer (get-buffer-create "*copilot answer*")))
    (with-current-buffer buffer
      (unless (derived-mode-p 'copilot-offline-answer-mode)
        (copilot-offline-answer-mode)))
    buffer))

(defun copilot-offline--append (text)
  "Add TEXT to the answer, and follow it in windows that show its end."
  (with-current-buffer (copilot-offline--answer-buffer)
    (let ((following (seq-filter (lambda (window) (= (window-point window) (point-max)))
                                 (get-buffer-window-list nil nil t)))
          (inhibit-read-only t))
      (save-excursion (goto-char (point-max)) (insert text))
      (dolist (window following)
        (set-window-point window (point-max))))))

(defun copilot-offline--go (button)
  "Go to the place of BUTTON."
  (let ((file (button-get button 'copilot-offline-file))
        (line (button-get button 'copilot-offline-line)))
    (with-selected-window (display-buffer (find-file-noselect file) '(display-buffer-use-some-window
                                                                     (inhibit-same-window . t)))
      (widen)
      (goto-char (point-min))
      (forward-line (1- line))
      (recenter))
    (select-window (get-buffer-window (get-file-buffer file)))))

(defun copilot-offline--make-links (start)
  "Make buttons of the places after START that name files."
  (let ((inhibit-read-only t))
    (save-excursion
      (goto-char start)
      (while (re-search-forward copilot-offline--place-regexp nil t)
        (let ((file (expand-file-name (match-string 1) copilot-offline--answer-root))
              (line (string-to-number (match-string 2))))
          (when (file-regular-p file)
            (make-text-button (match-beginning 0) (match-end 0)
                              'action #'copilot-offline--go
                              'follow-link t
                              'copilot-offline-file file
                              'copilot-offline-line line)))))))

(defun copilot-offline--sources (citations)
  "CITATIONS as lines of text."
  (if (seq-empty-p citations)
      ""
    (concat "\n\nSources:\n\n"
            (mapconcat #'identity
                       (delete-dups
                        (mapcar (lambda (each)
                                  (let ((start (plist-get each :start_line)) (end (plist-get each :end_line)))
                                    (format "- %s:%d%s" (plist-get each :path) start
                                            (if (= start end) "" (format "-%d" end)))))
                                citations))
                       "\n"))))

(defun copilot-offline--finish (start result)
  "Put the whole answer of RESULT at START, where it was streamed."
  (with-current-buffer (copilot-offline--answer-buffer)
    (let ((inhibit-read-only t))
      (delete-region start (point-max)))
    (copilot-offline--append (concat (string-trim (or (plist-get result :answer) ""))
                                     (mapconcat (lambda (said) (format "\n\n_%s_" said)) (plist-get result :notices) "")
                                     (copilot-offline--sources (plist-get result :citations))
                                     "\n"))
    (copilot-offline--make-links start)))

(defun copilot-offline--begin (question more root)
  "Head the answer to QUESTION about the repository at ROOT.
It goes below the others if MORE.  Returns where it starts."
  (with-current-buffer (copilot-offline--answer-buffer)
    (let ((inhibit-read-only t))
      (setq copilot-offline--answer-root root)
      (unless more
        (erase-buffer))
      (goto-char (point-max))
      (unless (bobp)
        (insert "\n"))
      (insert (replace-regexp-in-string "^" "> " (string-trim question)) "\n\n"))
    (display-buffer (current-buffer))
    (dolist (window (get-buffer-window-list nil nil t))
      (set-window-point window (point-max)))
    (copy-marker (point-max))))

(defun copilot-offline--about ()
  "What a question asked here is about: document and selection."
  (when copilot-offline--document
    (copilot-offline--sync)
    (append (list :textDocument (copilot-offline--identifier))
            (when (use-region-p)
              (list :range (list :start (copilot-offline--position (region-beginning))
                                 :end (copilot-offline--position (region-end))))))))

(defun copilot-offline--over (answer)
  "What ANSWER was asked for is answered, or will not be."
  (copilot-offline--unlisten (copilot-offline--answer-token answer))
  (setf (copilot-offline--answer-over answer) t)
  (when (eq copilot-offline--running answer)
    (setq copilot-offline--running nil)))

(defun copilot-offline--failed (answer text)
  "End ANSWER with TEXT, which says why it is not complete."
  (copilot-offline--over answer)
  (copilot-offline--append (format "\n\n_%s_\n" text)))

(defun copilot-offline--answered (answer result)
  "RESULT is the whole of ANSWER."
  (copilot-offline--over answer)
  (when (copilot-offline--answer-chat answer)
    (setq copilot-offline--conversation (plist-get result :conversation)))
  (copilot-offline--finish (copilot-offline--answer-start answer) result))

(defun copilot-offline--send (answer params)
  "Ask for ANSWER with PARAMS.
A conversation that the server has lost is begun anew."
  (let* ((chat (copilot-offline--answer-chat answer))
         (conversation (and chat copilot-offline--conversation)))
    (copilot-offline--request
     (if chat :copilot/chat :copilot/ask)
     (if conversation (append (list :conversation conversation) params) params)
     (lambda (result)
       (unless (copilot-offline--answer-over answer)
         (copilot-offline--answered answer result)))
     (lambda (message code)
       (cond ((copilot-offline--answer-over answer))
             ((not (copilot-offline--running-p))) ; whoever listens is told
             ((and conversation (equal code copilot-offline--invalid-params))
              (setq copilot-offline--conversation nil)
              (copilot-offline--send answer params))
             (t (copilot-offline--failed answer message)))))))

(defun copilot-offline--put-question (question chat)
  "Ask QUESTION, as part of the conversation if CHAT."
  (copilot-offline--need)
  (copilot-offline-cancel)
  (let* ((root (or (copilot-offline--root) copilot-offline--answer-root copilot-offline--root))
         (about (copilot-offline--about))
         (token (format "copilot-answer-%d" (cl-incf copilot-offline--number)))
         (work (format "%s-work" token))
         (answer (copilot-offline--make-answer :token token :work work :chat chat
                                               :start (copilot-offline--begin question chat root))))
    (setq copilot-offline--running answer)
    (copilot-offline--listen token
                             (lambda (value)
                               (when-let ((text (plist-get value :text)))
                                 (copilot-offline--append text)))
                             (lambda ()
                               (copilot-offline--failed
                                answer "The language server ended before the answer did; ask again.")))
    (copilot-offline--send answer (append (list (if chat :message :question) question
                                                :partialResultToken token :workDoneToken work)
                                          about))))

;;;###autoload
(defun copilot-offline-ask (question)
  "Ask QUESTION about the repository, and about the region if there is one."
  (interactive "sAsk: ")
  (copilot-offline--put-question question nil))

;;;###autoload
(defun copilot-offline-chat (message)
  "Say MESSAGE in a conversation about the repository."
  (interactive "sSay: ")
  (copilot-offline--put-question message t))

(defun copilot-offline-forget ()
  "Have the next `copilot-offline-chat' begin a new conversation."
  (interactive)
  (when copilot-offline--conversation
    (copilot-offline--request :copilot/chat/end (list :conversation copilot-offline--conversation) #'ignore)
    (setq copilot-offline--conversation nil)))

(defun copilot-offline-cancel ()
  "Stop the answer that is being given."
  (interactive)
  (when-let ((answer copilot-offline--running))
    (copilot-offline--failed answer "Stopped.")
    (copilot-offline--notify :window/workDoneProgress/cancel
                             (list :token (copilot-offline--answer-work answer)))))

(add-hook 'copilot-offline-gone-hook (lambda () (setq copilot-offline--conversation nil)))

(provide 'copilot-offline-ask)
;;; copilot-offline-ask.el ends here
